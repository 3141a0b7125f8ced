#include "job/synth_job.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/numbers.h"
#include "cast/driving_thread.h"
#include "dataset/question_file.h"
#include "dataset/reference_format.h"
#include "job/cast.h"
#include "job/engine_report.h"
#include "job/first_failures.h"
#include "job/identity.h"
#include "job/open_samples.h"
#include "job/output_check.h"
#include "job/retry_failed.h"
#include "job/settings_record.h"
#include "job/synth_settings.h"
#include "job/template_date.h"
#include "job/text_or_file.h"
#include "judge/answer_judge.h"
#include "judge/code_judge.h"
#include "judge/command_judge.h"
#include "judge/compiler.h"
#include "judge/grading.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"

namespace tessy {

namespace asio = boost::asio;

namespace {

// Their files are read here and no more: each may be a pipe.
Status ReadTexts(SynthOptions& options) {
  for (const auto& [flag, value] : {std::pair("--student-system", &options.student_system),
                                    std::pair("--teacher-system", &options.teacher_system)}) {
    auto text = WithoutFile(*value);
    if (!text) return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", flag, text.error().message));
    *value = std::move(*text);
  }
  return {};
}

}  // namespace

// One run, in the order in which it can go wrong: options, questions, files, models, samples.
class SynthJob::Work {
 public:
  Work(SynthOptions options, JobEvents events, JobStop stop)
      : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}
  Result<SynthResult> Run();

 private:
  bool AsReference() const { return options_.output_format == "tessy-reference"; }
  bool ToFile() const { return !options_.out.empty() && options_.out != "-"; }
  Status ReadQuestionFile();
  Status CheckAnswers();
  Status CheckTests();
  Status CheckReference() const;
  RunFiles::Options FileOptions() const;
  Status OpenFiles();
  void TellFiles() const;
  Status RecordConfiguration() { return files_ ? files_->RecordConfiguration() : Status(); }
  void CountTasks();
  Status LoadCast();
  std::unique_ptr<Judge> NewJudge();
  Result<RunResult> RunTasks();
  Status Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms);
  Status DeliverFailure(const SampleTask& task, const SampleOutcome& outcome);
  void Look(const RunProgress& progress);
  Response Complete(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms) const;
  Status Finish(const JobItem& item) { return events_.finished ? events_.finished(item) : Status(); }
  SynthResult Conclude(RunResult result) const;

  SynthOptions options_;
  JobEvents events_;
  JobStop stop_;
  Method method_;
  asio::io_context io_{1};
  std::optional<QuestionFile> questions_;
  std::unique_ptr<RunFiles> files_;
  std::unique_ptr<ModelCast> cast_;
  std::unique_ptr<Judge> judge_;  // of --keep correct
  TaskSettings settings_;
  size_t samples_ = 0;
  size_t resumed_done_ = 0;
  size_t resumed_failed_ = 0;
  std::optional<FirstFailures> first_failures_;
};

Status SynthJob::Work::ReadQuestionFile() {
  if (options_.questions.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--questions is missing: give a file of JSON lines with a \"prompt\" each");
  }
  auto file = QuestionFile::Open(options_.questions, {.skip_bad_lines = options_.skip_bad_lines});
  if (!file) return tl::unexpected(file.error());
  for (const BadLine& bad : file->bad_lines()) {
    Tell(events_.warning, fmt::format("{}:{}: skipped: {}", options_.questions, bad.line, bad.reason));
  }
  questions_ = std::move(*file);
  if (options_.limit > 0) questions_->KeepFirst(options_.limit);
  samples_ = questions_->size() * options_.samples_per_question;
  if (auto status = AsReference() ? CheckReference() : Status(); !status) return status;
  if (options_.keep != "correct" || !options_.checker.empty()) return {};
  return options_.judge == "code" ? CheckTests() : CheckAnswers();
}

// The published format has no place for a sample's number, and knows a question by its id or by its text.
Status SynthJob::Work::CheckReference() const {
  if (options_.samples_per_question > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--samples-per-question {}: --output-format tessy-reference has no place for the "
                            "sample's number; ask for one, or for --output-format tessy",
                            options_.samples_per_question));
  }
  const auto repeated = questions_->FirstRepeated();
  if (!repeated) return {};
  const auto first = questions_->Find(MadeId(questions_->messages_hash(*repeated)));
  return Fail(
      ErrorCode::kInvalidData,
      fmt::format("{}:{}: asks what line {} asks, and neither has an id, by which --output-format "
                  "tessy-reference tells them apart; give them one (id_ddm) or drop one",
                  options_.questions, questions_->line(*repeated), questions_->line(first.value_or(0))));
}

// A question without an answer is refused before hours are spent.
Status SynthJob::Work::CheckAnswers() {
  for (size_t i = 0; i < questions_->size(); ++i) {
    const auto question = questions_->Read(i);
    if (!question) return tl::unexpected(question.error());
    if (const auto answer = ExpectedAnswers(options_.questions, {&*question, 1}); !answer) {
      return Fail(answer.error().code, answer.error().message + ", as --keep correct does");
    }
  }
  return {};
}

// A machine that runs no programs, or a question without tests, is told of before hours are spent.
Status SynthJob::Work::CheckTests() {
  if (const auto box = Box::Open(); !box) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("--judge code: {}", box.error().message));
  }
  for (size_t i = 0; i < questions_->size(); ++i) {
    const auto question = questions_->Read(i);
    if (!question) return tl::unexpected(question.error());
    if (const auto tests = CodeTestsOf(question->source_json.empty() ? "{}" : question->source_json);
        !tests) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: {}, and --judge code needs tests", options_.questions,
                              questions_->line(i), tests.error().message));
    }
  }
  return {};
}

RunFiles::Options SynthJob::Work::FileOptions() const {
  return {.out = options_.out,
          .run_folder = options_.run_folder,
          .fresh = options_.fresh,
          .accept_flag = "--accept-config-change",
          .accepts_change = options_.accept_config_change,
          .reference_lines = AsReference(),
          .as_recorded_now = {},
          .unset = {}};
}

Status SynthJob::Work::OpenFiles() {
  const bool may_go_on = ToFile() && !options_.fresh;
  const std::string recorded = may_go_on ? RunFiles::RecordedConfiguration(FileOptions()) : "";
  options_.template_date = TemplateDate(options_.template_date, recorded);
  const auto record = RecordOf(options_, method_);
  if (!record) return tl::unexpected(record.error());
  if (!ToFile()) return {};
  const auto hash_of = [this](std::string_view id) -> std::optional<uint64_t> {
    const auto index = questions_->Find(id);
    if (!index) return std::nullopt;
    return questions_->messages_hash(*index);
  };
  RunFiles::Options file_options = FileOptions();
  if (may_go_on) {
    file_options.retries =
        FailuresToRetry(options_.retry_failed, options_.accept_config_change, recorded, *record);
  }
  file_options.as_recorded_now = [&](const std::string& before) {
    return AsRecordedNow(options_, before, *record);
  };
  file_options.unset = UnsetTextsOf(SynthSettings(options_));
  auto files = RunFiles::Open(file_options, {.json = *record}, hash_of);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  TellFiles();
  return {};
}

void SynthJob::Work::TellFiles() const {
  for (const std::string& path : files_->set_aside()) {
    Tell(events_.notice, fmt::format("set aside: {}", path));
  }
  if (!files_->accepted_change().empty()) {
    Tell(events_.notice,
         fmt::format("{}: goes on with other settings: {}", options_.out, files_->accepted_change()));
  }
  if (files_->started_over() > 0) {
    Tell(events_.notice,
         fmt::format("{}: {} begun with other settings {} started over", options_.out,
                     Counted(files_->started_over(), "sample"), files_->started_over() == 1 ? "is" : "are"));
  }
  if (files_->retried() > 0) {
    Tell(events_.notice,
         fmt::format("{}: {} that had failed {} tried again", options_.out,
                     Counted(files_->retried(), "sample"), files_->retried() == 1 ? "is" : "are"));
  }
  if (files_->lost() > 0) {
    Tell(events_.warning,
         fmt::format("{}: {} that this run had written {} no longer there; {} again", options_.out,
                     Counted(files_->lost(), "response"), files_->lost() == 1 ? "is" : "are",
                     files_->lost() == 1 ? "it is made" : "they are made"));
  }
  if (files_->repaired_bytes() > 0) {
    Tell(events_.notice,
         fmt::format("{}: cut off {} bytes of torn last lines", options_.out, files_->repaired_bytes()));
  }
}

void SynthJob::Work::CountTasks() {
  if (!files_) return;
  for (size_t i = 0; i < questions_->size(); ++i) {
    for (uint32_t sample = 0; sample < options_.samples_per_question; ++sample) {
      const bool done = files_->IsDone(questions_->id(i), sample);
      resumed_done_ += done ? 1 : 0;
      resumed_failed_ += !done && files_->HasFailed(questions_->id(i), sample) ? 1 : 0;
    }
  }
}

Status SynthJob::Work::LoadCast() {
  auto options = CastOptionsOf(options_, method_);
  if (!options) return tl::unexpected(options.error());
  options->samples = samples_ - resumed_done_ - resumed_failed_;
  auto cast = tessy::LoadCast(std::move(*options), DrivenBy(io_), events_);
  if (!cast) return tl::unexpected(cast.error());
  cast_ = std::move(*cast);
  auto sample = SampleSettingsOf(options_, method_, cast_->shares_vocabulary());
  if (!sample) return tl::unexpected(sample.error());
  auto settings = TaskSettingsOf(options_, *sample);
  if (!settings) return tl::unexpected(settings.error());
  settings_ = std::move(*settings);
  if (options_.keep == "correct") {
    judge_ = NewJudge();
    settings_.judge = judge_.get();
    // A response that could not be judged counts as wrong; the reason is told for each.
    settings_.unjudged = [this](const SampleTask& task, const Error& error) {
      Tell(events_.error, fmt::format("{}/{}: {}", task.question->id, task.sample, error.message));
    };
  }
  return {};
}

std::unique_ptr<Judge> SynthJob::Work::NewJudge() {
  const auto post = [this](std::function<void()> call) { asio::post(io_, std::move(call)); };
  if (options_.checker.empty() && options_.judge == "code") {
    return std::make_unique<CodeJudge>(CodeJudgeOptions{.runner = {.cache_folder = CompilerCacheFolder()},
                                                        .workers = options_.judge_workers},
                                       post);
  }
  if (options_.checker.empty()) return std::make_unique<AnswerJudge>(post);
  return std::make_unique<CommandJudge>(
      CommandJudgeOptions{
          .command = options_.checker, .commands_max = options_.checkers, .name = "--checker"},
      post);
}

Result<RunResult> SynthJob::Work::RunTasks() {
  if (auto status = LoadCast(); !status) return tl::unexpected(status.error());
  if (auto status = RecordConfiguration(); !status) return tl::unexpected(status.error());
  TellPlan(*cast_, events_);
  first_failures_.emplace(files_ ? options_.out : "");
  const RunOptions run{.concurrency = cast_->concurrency(),
                       .stop_on_signals = stop_.on_signals,
                       .stop = stop_.token,
                       .resumed_done = resumed_done_,
                       .resumed_failed = resumed_failed_,
                       .store = files_ ? &files_->store() : nullptr};
  const RunCallbacks callbacks{
      .finished = [this](const SampleTask& task, const SampleOutcome& outcome,
                         uint64_t wall_ms) { return Deliver(task, outcome, wall_ms); },
      .progress = [this](const RunProgress& progress) { Look(progress); }};
  OpenSamples tasks(
      *questions_, {.samples = options_.samples_per_question,
                    .files = files_.get(),
                    .count = samples_ - resumed_done_ - resumed_failed_,
                    .keep = AsReference() ? QuestionFile::Keep::kSourceAndRow : QuestionFile::Keep::kSource});
  return RunAll(io_, *cast_, settings_, tasks, run, callbacks);
}

void SynthJob::Work::Look(const RunProgress& progress) {
  if (const auto line = first_failures_->Look(progress)) Tell(events_.warning, *line);
  if (events_.progress) events_.progress(progress);
}

Status SynthJob::Work::Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms) {
  if (!outcome.done) return DeliverFailure(task, outcome);
  const Response response = Complete(task, outcome, wall_ms);
  const std::string line =
      AsReference() ? ToReferenceLine(task.question->row, response) : ToJsonLine(response);
  if (auto status = files_ ? files_->AddResponse(response, line) : Status(); !status) return status;
  return Finish({.id = task.question->id, .sample = task.sample, .done = true, .line = line});
}

Status SynthJob::Work::DeliverFailure(const SampleTask& task, const SampleOutcome& outcome) {
  const std::string reason = outcome.failures.empty() ? "unknown" : outcome.failures.back();
  Tell(events_.warning, fmt::format("{}/{} failed after {}: {}", task.question->id, task.sample,
                                    Counted(outcome.stats.attempts, "attempt"), reason));
  if (auto status = files_ ? files_->AddFailure(task, outcome) : Status(); !status) return status;
  return Finish(
      {.id = task.question->id, .sample = task.sample, .done = false, .line = {}, .reason = reason});
}

Response SynthJob::Work::Complete(const SampleTask& task, const SampleOutcome& outcome,
                                  uint64_t wall_ms) const {
  Response response = FormResponse(task, outcome, method_, cast_->FamilyOf(Role::kStudent));
  response.stats.wall_ms = wall_ms;
  response.seed = options_.seed;
  response.sampling = {.temperature = Decimal(options_.sampling.temperature),
                       .top_p = Decimal(options_.sampling.top_p),
                       .top_k = options_.sampling.top_k,
                       .min_p = Decimal(options_.sampling.min_p)};
  if (method_.Uses(Role::kStudent)) response.models.student = ModelName(options_.student.front());
  if (method_.Uses(Role::kTeacher)) response.models.teacher = ModelName(options_.teacher.front());
  if (method_.cooperative()) {
    response.models.student_boundary = ModelName(options_.student_boundary.front());
    response.models.teacher_boundary = ModelName(options_.teacher_boundary.front());
  }
  return response;
}

SynthResult SynthJob::Work::Conclude(RunResult result) const {
  if (cast_) ReportEngines(*cast_, events_);
  SynthResult concluded{.progress = result.progress,
                        .interrupted = result.interrupted,
                        .status = std::move(result.status),
                        .out = {},
                        .failures_path = {}};
  if (!files_) return concluded;
  concluded.out = options_.out;
  concluded.failures_path = files_->failures_path();
  concluded.responses = files_->done();
  if (!AsReference()) concluded.totals = files_->totals();
  if (concluded.status) concluded.status = files_->CheckUntouched();
  return concluded;
}

Result<SynthResult> SynthJob::Work::Run() {
  auto method = MethodOf(options_);
  if (!method) return tl::unexpected(method.error());
  method_ = *method;
  if (options_.out.empty() && !options_.run_folder.empty()) {
    options_.out = options_.run_folder + "/responses.jsonl";
  }
  // Before the names of files are replaced by what is in them.
  if (auto status = CheckOutputs(SynthSettings(options_)); !status) return tl::unexpected(status.error());
  if (auto status = ReadTexts(options_); !status) return tl::unexpected(status.error());
  if (auto options = CastOptionsOf(options_, method_); !options) return tl::unexpected(options.error());
  if (auto settings = TaskSettingsOf(options_, {.method = method_}); !settings) {
    return tl::unexpected(settings.error());
  }
  if (auto status = ReadQuestionFile(); !status) return tl::unexpected(status.error());
  if (auto status = OpenFiles(); !status) return tl::unexpected(status.error());
  CountTasks();
  const size_t there = resumed_done_ + resumed_failed_;
  if (there > 0) {
    const std::string failed = resumed_failed_ == 0
                                   ? ""
                                   : fmt::format(" ({} failed for good; --retry-failed all tries {} again)",
                                                 resumed_failed_, resumed_failed_ == 1 ? "it" : "them");
    Tell(events_.notice, fmt::format("{}: {} samples are there already{}, {} to go", options_.out, there,
                                     failed, samples_ - there));
  }
  if (there == samples_) {  // and no model need be loaded
    if (auto status = RecordConfiguration(); !status) return tl::unexpected(status.error());
    RunResult result;
    result.progress.samples = there;
    result.progress.done = resumed_done_;
    result.progress.failed = resumed_failed_;
    return Conclude(std::move(result));
  }
  auto result = RunTasks();
  if (!result) return tl::unexpected(result.error());
  return Conclude(std::move(*result));
}

SynthJob::SynthJob(SynthOptions options, JobEvents events, JobStop stop)
    : work_(std::make_unique<Work>(std::move(options), std::move(events), std::move(stop))) {}
SynthJob::~SynthJob() = default;

Result<SynthResult> SynthJob::Run() { return work_->Run(); }

}  // namespace tessy
