#include "cli/synth.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/checker.h"
#include "cli/exit_status.h"
#include "cli/identity.h"
#include "cli/progress.h"
#include "cli/run_file.h"
#include "cli/synth_options.h"
#include "dataset/answer.h"
#include "dataset/grading.h"
#include "dataset/question.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"
#include "synthesis/run_files.h"

namespace tessy {
namespace {

namespace asio = boost::asio;

void Say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

// A file by its name, a server's model by where it is.
std::string ModelName(const std::string& spec) {
  return spec.find("://") == std::string::npos ? FileName(spec) : spec;
}

// One run of the command, in the order in which it can go wrong: flags, questions, files, models, samples.
class SynthCommand {
 public:
  explicit SynthCommand(SynthFlags flags) : flags_(std::move(flags)) {}
  Result<int> Run();

 private:
  bool ToFile() const { return !flags_.out.empty() && flags_.out != "-"; }
  Status ReadQuestionFile();
  Status OpenFiles();
  Status LoadCast();
  void MakeTasks();
  bool IsRight(const SampleTask& task, const SampleOutcome& outcome);
  Status Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms);
  Response Complete(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms) const;
  Result<RunResult> RunTasks();
  void ReportEngines() const;
  int Conclude(const RunResult& result) const;
  RunFiles::Options FileOptions() const {
    return {.out = flags_.out, .run_folder = flags_.run_folder, .fresh = flags_.fresh};
  }

  SynthFlags flags_;
  Method method_;
  asio::io_context io_{1};
  std::vector<Question> questions_;
  std::map<std::string, const Question*> by_id_;
  std::unique_ptr<RunFiles> files_;
  std::unique_ptr<MixedCast> cast_;
  TaskSettings settings_;
  std::map<std::string, std::string> answers_;  // by question, where they are checked
  std::deque<SampleTask> tasks_;
  size_t resumed_done_ = 0;
  size_t resumed_failed_ = 0;
};

Status SynthCommand::ReadQuestionFile() {
  if (flags_.questions.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--questions is missing: give a file of JSON lines with a \"prompt\" each");
  }
  auto read = ReadQuestions(flags_.questions, {.skip_bad_lines = flags_.skip_bad_lines});
  if (!read) return tl::unexpected(read.error());
  for (const BadLine& bad : read->bad_lines) {
    spdlog::warn("{}:{}: skipped: {}", flags_.questions, bad.line, bad.reason);
  }
  std::error_code differ;
  if (ToFile() && std::filesystem::equivalent(flags_.questions, flags_.out, differ)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--out {}: is the file of the questions; give another", flags_.out));
  }
  questions_ = std::move(read->questions);
  if (flags_.limit > 0 && questions_.size() > flags_.limit) questions_.resize(flags_.limit);
  for (const Question& question : questions_) by_id_.emplace(question.id, &question);
  if (flags_.keep != "correct" || !flags_.checker.empty()) return {};
  const auto answers = ExpectedAnswers(flags_.questions, questions_);
  if (!answers) {
    return Fail(answers.error().code, answers.error().message + ", as --keep correct does");
  }
  for (size_t i = 0; i < questions_.size(); ++i) answers_.emplace(questions_[i].id, (*answers)[i]);
  return {};
}

Status SynthCommand::OpenFiles() {
  if (flags_.template_date.empty()) {
    // A run that goes on after midnight keeps the date with which it began.
    const auto recorded =
        nlohmann::json::parse(ToFile() ? RunFiles::RecordedConfiguration(FileOptions()) : "", nullptr, false);
    flags_.template_date =
        recorded.is_object() && !flags_.fresh ? recorded.value("template_date", std::string()) : "";
    if (flags_.template_date.empty())
      flags_.template_date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  }
  auto settings = DescribeSettings(flags_, method_);
  if (!settings) return tl::unexpected(settings.error());
  if (!ToFile()) return {};
  auto files = RunFiles::Open(FileOptions(), {.json = std::move(*settings)}, questions_);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  for (const std::string& path : files_->set_aside()) Say(fmt::format("set aside: {}", path));
  if (files_->repaired_bytes() > 0) {
    Say(fmt::format("{}: cut off {} bytes of torn last lines", flags_.out, files_->repaired_bytes()));
  }
  return {};
}

Status SynthCommand::LoadCast() {
  auto options = CastOptionsOf(flags_, method_);
  if (!options) return tl::unexpected(options.error());
  auto cast = MixedCast::Load(
      *options, [this](std::function<void()> f) { asio::post(io_, std::move(f)); },
      [this](int64_t milliseconds, std::function<void()> call) {
        auto timer = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(milliseconds));
        timer->async_wait([timer, call = std::move(call)](const boost::system::error_code&) { call(); });
      });
  if (!cast) return tl::unexpected(cast.error());
  cast_ = std::move(*cast);
  auto settings = SampleSettingsOf(flags_, method_, cast_->local().shares_vocabulary());
  if (!settings) return tl::unexpected(settings.error());
  auto task_settings = TaskSettingsOf(flags_, *settings);
  if (!task_settings) return tl::unexpected(task_settings.error());
  settings_ = std::move(*task_settings);
  if (flags_.keep == "correct") {
    settings_.is_right = [this](const SampleTask& task, const SampleOutcome& outcome) {
      return IsRight(task, outcome);
    };
  }
  return {};
}

bool SynthCommand::IsRight(const SampleTask& task, const SampleOutcome& outcome) {
  if (flags_.checker.empty()) return IsRightAnswer(outcome.answer, answers_.at(task.question_id));
  const nlohmann::ordered_json json{
      {"id", task.question_id},
      {"question", task.messages.back().content},
      {"answer", outcome.answer},
      {"response", outcome.thinking.text + outcome.answer},
      {"expected", ExpectedAnswer(by_id_.at(task.question_id)->source_json).value_or("")}};
  const auto right =
      AskChecker(flags_.checker, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (right) return *right;
  // Nothing is right that could not be checked; it is said once for each.
  spdlog::error("{}/{}: {}", task.question_id, task.sample, right.error().message);
  return false;
}

void SynthCommand::MakeTasks() {
  uint64_t number = 0;
  for (const Question& question : questions_) {
    for (uint32_t sample = 0; sample < flags_.samples_per_question; ++sample, ++number) {
      const bool done = files_ && files_->IsDone(question.id, sample);
      const bool failed = files_ && files_->HasFailed(question.id, sample);
      resumed_done_ += done ? 1 : 0;
      resumed_failed_ += failed && !done ? 1 : 0;
      if (!done && !failed)
        tasks_.push_back(
            {.question_id = question.id, .sample = sample, .number = number, .messages = question.messages});
    }
  }
}

Response SynthCommand::Complete(const SampleTask& task, const SampleOutcome& outcome,
                                uint64_t wall_ms) const {
  Response response =
      FormResponse(*by_id_.at(task.question_id), task, outcome, method_, cast_->FamilyOf(Role::kStudent));
  response.stats.wall_ms = wall_ms;
  response.seed = flags_.seed;
  // As typed, not as the nearest float prints in double precision.
  const auto decimal = [](float value) { return std::stod(fmt::format("{}", value)); };
  response.sampling = {.temperature = decimal(flags_.sampling.temperature),
                       .top_p = decimal(flags_.sampling.top_p),
                       .top_k = flags_.sampling.top_k,
                       .min_p = decimal(flags_.sampling.min_p)};
  if (method_.Uses(Role::kStudent)) response.models.student = ModelName(flags_.student.front());
  if (method_.Uses(Role::kTeacher)) response.models.teacher = ModelName(flags_.teacher.front());
  if (method_.cooperative()) {
    response.models.student_boundary = FileName(flags_.student_boundary);
    response.models.teacher_boundary = FileName(flags_.teacher_boundary);
  }
  return response;
}

Status SynthCommand::Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms) {
  if (!outcome.done) {
    const std::string reason = outcome.failures.empty() ? "unknown" : outcome.failures.back();
    spdlog::warn("{}/{} failed after {} attempt{}: {}", task.question_id, task.sample, outcome.attempts,
                 outcome.attempts == 1 ? "" : "s", reason);
    return files_ ? files_->AddFailure(task, outcome) : Status();
  }
  const Response response = Complete(task, outcome, wall_ms);
  if (files_) return files_->AddResponse(response);
  return WriteOutput(ToJsonLine(response) + "\n");
}

void SynthCommand::ReportEngines() const {
  for (const Role role : {Role::kStudent, Role::kTeacher}) {
    const ServerModel* server = cast_->server(role);
    if (server == nullptr) continue;
    const auto counts = server->counts();
    Say(fmt::format(
        "{} server ({}): {} requests, {} tried again; {} sent, {} received; {} tokens came past a boundary",
        Name(role), Name(server->dialect()), counts.requests, counts.retries, FormatBytes(counts.bytes_sent),
        FormatBytes(counts.bytes_received), counts.surplus_tokens));
  }
  for (const auto& [name, stats] : cast_->local().stats()) {
    spdlog::debug("{}: {} tokens in {} batches, {:.2f} CPU-seconds, {} fed again, {} sequences moved", name,
                  stats.tokens, stats.batches, stats.cpu_seconds, stats.refed_tokens, stats.sequence_copies);
    if (stats.refed_tokens > 0) {
      spdlog::warn("the {} cannot roll back; {} tokens were fed again (--draft stop feeds fewest)", name,
                   stats.refed_tokens);
    }
  }
}

int SynthCommand::Conclude(const RunResult& result) const {
  const RunProgress& progress = result.progress;
  if (cast_) ReportEngines();
  if (files_ && files_->done() > 0) {
    const auto& totals = files_->totals();
    const auto samples = static_cast<double>(files_->done());
    const auto thinking = static_cast<double>(std::max<uint64_t>(1, totals.thinking_tokens));
    Say(fmt::format(
        "{}: {} responses; a sample: {:.1f} thinking tokens, {:.1f} switches; teacher's share {:.3f}; "
        "{} of {} drafted tokens discarded; {:.0f} tokens/s{}",
        flags_.out, files_->done(), thinking / samples, static_cast<double>(totals.switches) / samples,
        static_cast<double>(totals.teacher_tokens) / thinking, totals.discarded, totals.drafted,
        progress.seconds > 0 ? static_cast<double>(progress.counters.tokens) / progress.seconds : 0.0,
        totals.wrong > 0 ? fmt::format("; {} wrong candidates dropped", totals.wrong) : ""));
  }
  if (result.interrupted) {
    Say(fmt::format("interrupted: {} of {} samples are finished; the same command goes on",
                    progress.done + progress.failed, progress.samples));
    return kExitInterrupted;
  }
  if (progress.failed == 0) return kExitDone;
  Say(fmt::format("{} of {} samples failed for good{}", progress.failed, progress.samples,
                  files_ ? "; reasons are in " + files_->failures_path() : ""));
  return kExitSomeFailed;
}

Result<RunResult> SynthCommand::RunTasks() {
  if (auto status = LoadCast(); !status) return tl::unexpected(status.error());
  spdlog::info("memory: {}", cast_->local().plan().Describe());
  if (files_) {
    if (auto status = files_->RecordConfiguration(); !status) return tl::unexpected(status.error());
  }
  auto style = FindProgressStyle(flags_.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  const RunOptions run{.concurrency = cast_->local().plan().concurrency,
                       .resumed_done = resumed_done_,
                       .resumed_failed = resumed_failed_};
  const RunCallbacks callbacks{
      .finished = [this](const SampleTask& task, const SampleOutcome& outcome,
                         uint64_t wall_ms) { return Deliver(task, outcome, wall_ms); },
      .progress = [&display](const RunProgress& progress) { display.Show(progress); }};
  RunResult result = RunAll(io_, *cast_, settings_, tasks_, run, callbacks);
  display.Close();
  return result;
}

Result<int> SynthCommand::Run() {
  auto method = MethodOf(flags_);
  if (!method) return tl::unexpected(method.error());
  method_ = *method;
  if (flags_.out.empty() && !flags_.run_folder.empty()) flags_.out = flags_.run_folder + "/responses.jsonl";
  if (auto options = CastOptionsOf(flags_, method_); !options) return tl::unexpected(options.error());
  if (auto status = ReadQuestionFile(); !status) return tl::unexpected(status.error());
  if (auto status = OpenFiles(); !status) return tl::unexpected(status.error());
  MakeTasks();
  const size_t there = resumed_done_ + resumed_failed_;
  if (there > 0) {
    Say(fmt::format("{}: {} samples are there already, {} to go", flags_.out, there, tasks_.size()));
  }
  if (tasks_.empty()) {  // and no model need be loaded
    RunResult result;
    result.progress.samples = there;
    result.progress.done = resumed_done_;
    result.progress.failed = resumed_failed_;
    return Conclude(result);
  }
  const auto result = RunTasks();
  if (!result) return tl::unexpected(result.error());
  if (!result->status) {
    ReportError(
        {result->status.error().code,
         result->status.error().message + "; what is finished is kept, and the same command goes on"});
    return kExitInterrupted;
  }
  return Conclude(*result);
}

}  // namespace

Result<int> RunSynth(const SynthFlags& flags) { return SynthCommand(flags).Run(); }

void AddSynthCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("synth", "make fine-tuning data: a response for every question");
  auto flags = std::make_shared<SynthFlags>();
  AddSynthFlags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  tessy synth --questions q.jsonl --student S.gguf --teacher T.gguf \\\n"
      "    --student-boundary BS.gguf --teacher-boundary BT.gguf --out responses.jsonl\n"
      "  tessy synth run.toml --limit 10\n\n"
      "Exit status: 0 done; 1 usage or configuration; 2 some samples failed for good; 3 interrupted, "
      "resumable.");
  command->callback([command, flags, &context] {
    if (!flags->run_file.empty()) {
      if (auto status = ApplyRunFile(*command, flags->run_file); !status) return Finish(context, status);
    }
    SetLogLevel(flags->log_level);
    auto status = RunSynth(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
