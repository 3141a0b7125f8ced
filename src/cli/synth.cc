#include "cli/synth.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "cli/checker.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/setting_flags.h"
#include "dataset/answer.h"
#include "dataset/grading.h"
#include "dataset/question_file.h"
#include "dataset/reference_format.h"
#include "job/cast.h"
#include "job/identity.h"
#include "job/settings_record.h"
#include "job/synth_options.h"
#include "job/synth_settings.h"
#include "synthesis/response_form.h"
#include "synthesis/run.h"
#include "synthesis/run_files.h"

namespace tessy {
namespace {

namespace asio = boost::asio;

void SayLine(const std::string& line) { Say(line + "\n"); }

// The samples of all questions that are neither done nor failed, in the order of the file.
class OpenSamples final : public TaskSource {
 public:
  // `files`: none where there is nothing to go on from.
  OpenSamples(QuestionFile& questions, uint32_t samples, RunFiles* files, size_t count)
      : questions_(questions), samples_(samples), files_(files), count_(count) {}

  Result<std::optional<SampleTask>> Next() override {
    for (; number_ < questions_.size() * samples_; ++number_) {
      const size_t index = number_ / samples_;
      const auto sample = static_cast<uint32_t>(number_ % samples_);
      const std::string& id = questions_.id(index);
      if (files_ != nullptr && (files_->IsDone(id, sample) || files_->HasFailed(id, sample))) continue;
      auto question = questions_.Read(index);
      if (!question) return tl::unexpected(question.error());
      if (files_ != nullptr) files_->NameQuestion(id, questions_.messages_hash(index));
      return SampleTask{.question_id = id,
                        .sample = sample,
                        .number = number_++,
                        .messages = std::move(question->messages)};
    }
    return std::nullopt;
  }
  size_t size() const override { return count_; }

 private:
  QuestionFile& questions_;
  uint32_t samples_;
  RunFiles* files_;
  size_t count_;
  uint64_t number_ = 0;
};

// One run of the command, in the order in which it can go wrong: flags, questions, files, models, samples.
class SynthCommand {
 public:
  SynthCommand(SynthOptions options, MessageOptions messages)
      : flags_(std::move(options)), messages_(std::move(messages)) {}
  Result<int> Run();

 private:
  bool AsReference() const { return flags_.output_format == "tessy-reference"; }
  bool ToFile() const { return !flags_.out.empty() && flags_.out != "-"; }
  size_t IndexOf(const SampleTask& task) const { return task.number / flags_.samples_per_question; }
  Status ReadQuestionFile();
  Status OpenFiles();
  Status RecordConfiguration() { return files_ ? files_->RecordConfiguration() : Status(); }
  Status LoadCast();
  void CountTasks();
  Status CheckAnswers();
  Status CheckReference() const;
  bool IsRight(const SampleTask& task, const SampleOutcome& outcome);
  Status Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms);
  Response Complete(const Question& question, const SampleTask& task, const SampleOutcome& outcome,
                    uint64_t wall_ms) const;
  Result<RunResult> RunTasks();
  void ReportEngines() const;
  int Conclude(const RunResult& result) const;
  RunFiles::Options FileOptions() const {
    return {.out = flags_.out,
            .run_folder = flags_.run_folder,
            .fresh = flags_.fresh,
            .accept_flag = "--accept-config-change",
            .accepts_change = flags_.accept_config_change,
            .reference_lines = AsReference(),
            .as_recorded_now = {}};
  }

  SynthOptions flags_;
  MessageOptions messages_;
  Method method_;
  asio::io_context io_{1};
  std::optional<QuestionFile> questions_;
  std::unique_ptr<RunFiles> files_;
  std::unique_ptr<MixedCast> cast_;
  TaskSettings settings_;
  Status unread_;  // a question that was to be looked at again, and could not
  size_t samples_ = 0;
  size_t resumed_done_ = 0;
  size_t resumed_failed_ = 0;
};

Status SynthCommand::ReadQuestionFile() {
  if (flags_.questions.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--questions is missing: give a file of JSON lines with a \"prompt\" each");
  }
  auto file = QuestionFile::Open(flags_.questions, {.skip_bad_lines = flags_.skip_bad_lines});
  if (!file) return tl::unexpected(file.error());
  for (const BadLine& bad : file->bad_lines()) {
    spdlog::warn("{}:{}: skipped: {}", flags_.questions, bad.line, bad.reason);
  }
  std::error_code differ;
  if (ToFile() && std::filesystem::equivalent(flags_.questions, flags_.out, differ)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--out {}: is the file of the questions; give another", flags_.out));
  }
  questions_ = std::move(*file);
  if (flags_.limit > 0) questions_->KeepFirst(flags_.limit);
  samples_ = questions_->size() * flags_.samples_per_question;
  if (auto status = AsReference() ? CheckReference() : Status(); !status) return status;
  return flags_.keep == "correct" && flags_.checker.empty() ? CheckAnswers() : Status();
}

// Its lines tell no samples apart, and questions by what they have for an id.
Status SynthCommand::CheckReference() const {
  if (flags_.samples_per_question > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--samples-per-question {}: --output-format tessy-reference has no place for the "
                            "sample's number; ask for one, or for --output-format tessy",
                            flags_.samples_per_question));
  }
  const auto repeated = questions_->FirstRepeated();
  if (!repeated) return {};
  const auto first = questions_->Find(MadeId(questions_->messages_hash(*repeated)));
  return Fail(
      ErrorCode::kInvalidData,
      fmt::format("{}:{}: asks what line {} asks, and neither has an id, by which --output-format "
                  "tessy-reference tells them apart; give them one (id_ddm) or drop one",
                  flags_.questions, questions_->line(*repeated), questions_->line(first.value_or(0))));
}

// Before hours are spent: have all an answer?
Status SynthCommand::CheckAnswers() {
  for (size_t i = 0; i < questions_->size(); ++i) {
    const auto question = questions_->Read(i);
    if (!question) return tl::unexpected(question.error());
    if (const auto answer = ExpectedAnswers(flags_.questions, {&*question, 1}); !answer) {
      return Fail(answer.error().code, answer.error().message + ", as --keep correct does");
    }
  }
  return {};
}

Status SynthCommand::OpenFiles() {
  if (flags_.template_date.empty()) {
    // A run that goes on after midnight keeps the date with which it began.
    if (ToFile() && !flags_.fresh) {
      flags_.template_date = RecordedText(RunFiles::RecordedConfiguration(FileOptions()), "template_date");
    }
    if (flags_.template_date.empty())
      flags_.template_date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  }
  const auto record = RecordOf(flags_, method_);
  if (!record) return tl::unexpected(record.error());
  if (!ToFile()) return {};
  RunFiles::Options options = FileOptions();
  options.as_recorded_now = [&](const std::string& before) { return AsRecordedNow(flags_, before, *record); };
  const auto hash_of = [this](std::string_view id) -> std::optional<uint64_t> {
    const auto index = questions_->Find(id);
    if (!index) return std::nullopt;
    return questions_->messages_hash(*index);
  };
  auto files = RunFiles::Open(options, {.json = *record}, hash_of);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  for (const std::string& path : files_->set_aside()) SayLine(fmt::format("set aside: {}", path));
  if (!files_->accepted_change().empty()) {
    SayLine(fmt::format("{}: goes on with other settings: {}", flags_.out, files_->accepted_change()));
  }
  if (files_->started_over() > 0) {
    SayLine(fmt::format("{}: {} begun with other settings {} started over", flags_.out,
                        Counted(files_->started_over(), "sample"),
                        files_->started_over() == 1 ? "is" : "are"));
  }
  if (files_->repaired_bytes() > 0) {
    SayLine(fmt::format("{}: cut off {} bytes of torn last lines", flags_.out, files_->repaired_bytes()));
  }
  return {};
}

Status SynthCommand::LoadCast() {
  auto options = CastOptionsOf(flags_, method_);
  if (!options) return tl::unexpected(options.error());
  auto cast = tessy::LoadCast(io_, *options);
  if (!cast) return tl::unexpected(cast.error());
  cast_ = std::move(*cast);
  auto settings = SampleSettingsOf(flags_, method_, cast_->shares_vocabulary());
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
  const auto question = questions_->Read(IndexOf(task));
  if (!question) {
    if (unread_) unread_ = tl::unexpected(question.error());
    return false;
  }
  const std::string expected = ExpectedAnswer(question->source_json).value_or("");
  if (flags_.checker.empty()) return IsRightAnswer(outcome.answer, expected);
  const nlohmann::ordered_json json{{"id", task.question_id},
                                    {"question", task.messages.back().content},
                                    {"answer", outcome.answer},
                                    {"response", outcome.thinking.text + outcome.answer},
                                    {"expected", expected}};
  const auto right =
      AskChecker(flags_.checker, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (right) return *right;
  // Nothing is right that could not be checked; it is said once for each.
  spdlog::error("{}/{}: {}", task.question_id, task.sample, right.error().message);
  return false;
}

void SynthCommand::CountTasks() {
  if (!files_) return;
  for (size_t i = 0; i < questions_->size(); ++i) {
    for (uint32_t sample = 0; sample < flags_.samples_per_question; ++sample) {
      const bool done = files_->IsDone(questions_->id(i), sample);
      resumed_done_ += done ? 1 : 0;
      resumed_failed_ += !done && files_->HasFailed(questions_->id(i), sample) ? 1 : 0;
    }
  }
}

Response SynthCommand::Complete(const Question& question, const SampleTask& task,
                                const SampleOutcome& outcome, uint64_t wall_ms) const {
  Response response = FormResponse(question, task, outcome, method_, cast_->FamilyOf(Role::kStudent));
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
    response.models.student_boundary = ModelName(flags_.student_boundary.front());
    response.models.teacher_boundary = ModelName(flags_.teacher_boundary.front());
  }
  return response;
}

Status SynthCommand::Deliver(const SampleTask& task, const SampleOutcome& outcome, uint64_t wall_ms) {
  if (!unread_) return unread_;
  if (!outcome.done) {
    const std::string reason = outcome.failures.empty() ? "unknown" : outcome.failures.back();
    spdlog::warn("{}/{} failed after {} attempt{}: {}", task.question_id, task.sample, outcome.attempts,
                 outcome.attempts == 1 ? "" : "s", reason);
    return files_ ? files_->AddFailure(task, outcome) : Status();
  }
  const auto question = questions_->Read(IndexOf(task));
  if (!question) return tl::unexpected(question.error());
  const Response response = Complete(*question, task, outcome, wall_ms);
  std::string line = ToJsonLine(response);
  if (AsReference()) {
    const auto row = questions_->ReadLine(IndexOf(task));
    if (!row) return tl::unexpected(row.error());
    line = ToReferenceLine(*row, response);
  }
  if (files_) return files_->AddResponse(response, line);
  return WriteOutput(line + "\n");
}

void SynthCommand::ReportEngines() const {
  for (const Role role : {Role::kStudent, Role::kTeacher}) {
    const ServerModel* server = cast_->server(role);
    if (server == nullptr) continue;
    const auto counts = server->counts();
    SayLine(fmt::format(
        "{} server ({}): {} requests, {} tried again, {} refused for overload; {} sent, {} received{}",
        Name(role), Name(server->dialect()), counts.requests, counts.retries, counts.overloads,
        FormatBytes(counts.bytes_sent), FormatBytes(counts.bytes_received),
        counts.outages > 0 ? fmt::format("; {} outages", counts.outages) : ""));
  }
  for (const Role role : kRoles) {
    const PoolingModel* predictor = cast_->predictor(role);
    if (predictor == nullptr) continue;
    const auto counts = predictor->counts();
    SayLine(fmt::format("{} predictor's server: {} requests for {} places, {} tried again; {} sent",
                        Name(role), counts.requests, counts.inputs, counts.retries,
                        FormatBytes(counts.bytes_sent)));
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
  if (files_ && AsReference()) {
    SayLine(fmt::format("{}: {} responses", flags_.out, files_->done()));
  } else if (files_ && files_->done() > 0) {
    const auto& totals = files_->totals();
    const auto samples = static_cast<double>(files_->done());
    const auto thinking = static_cast<double>(std::max<uint64_t>(1, totals.thinking_tokens));
    SayLine(fmt::format(
        "{}: {} responses; a sample: {:.1f} thinking tokens, {:.1f} switches; teacher's share {:.3f}; "
        "{} of {} drafted tokens discarded; {:.0f} tokens/s{}{}",
        flags_.out, files_->done(), thinking / samples, static_cast<double>(totals.switches) / samples,
        static_cast<double>(totals.teacher_tokens) / thinking, totals.discarded, totals.drafted,
        progress.seconds > 0 ? static_cast<double>(progress.counters.tokens) / progress.seconds : 0.0,
        progress.counters.recalled > 0
            ? fmt::format("; {} taken over", Counted(progress.counters.recalled, "token"))
            : "",
        totals.wrong > 0 ? fmt::format("; {} wrong candidates dropped", totals.wrong) : ""));
  }
  if (result.interrupted) {
    SayLine(fmt::format("interrupted: {} of {} samples are finished{}", progress.done + progress.failed,
                        progress.samples, files_ ? "; the same command goes on" : ""));
    return kExitInterrupted;
  }
  if (progress.failed == 0) return kExitDone;
  SayLine(fmt::format("{} of {} samples failed for good{}", progress.failed, progress.samples,
                      files_ ? "; reasons are in " + files_->failures_path() : ""));
  return kExitSomeFailed;
}

Result<RunResult> SynthCommand::RunTasks() {
  if (auto status = LoadCast(); !status) return tl::unexpected(status.error());
  spdlog::info("memory: {}", cast_->local().plan().Describe());
  if (auto status = RecordConfiguration(); !status) return tl::unexpected(status.error());
  auto style = FindProgressStyle(messages_.progress, isatty(STDERR_FILENO) == 1);
  if (!style) return tl::unexpected(style.error());
  ProgressDisplay display(*style);
  const RunOptions run{.concurrency = cast_->concurrency(),
                       .resumed_done = resumed_done_,
                       .resumed_failed = resumed_failed_,
                       .store = files_ ? &files_->store() : nullptr};
  const RunCallbacks callbacks{
      .finished = [this](const SampleTask& task, const SampleOutcome& outcome,
                         uint64_t wall_ms) { return Deliver(task, outcome, wall_ms); },
      .progress = [&display](const RunProgress& progress) { display.Show(progress); }};
  OpenSamples tasks(*questions_, flags_.samples_per_question, files_.get(),
                    samples_ - resumed_done_ - resumed_failed_);
  RunResult result = RunAll(io_, *cast_, settings_, tasks, run, callbacks);
  display.Close();
  return result;
}

Result<int> SynthCommand::Run() {
  std::signal(SIGPIPE, SIG_IGN);  // writing to whoever is gone is an error like any other
  auto method = MethodOf(flags_);
  if (!method) return tl::unexpected(method.error());
  method_ = *method;
  if (flags_.out.empty() && !flags_.run_folder.empty()) flags_.out = flags_.run_folder + "/responses.jsonl";
  if (auto options = CastOptionsOf(flags_, method_); !options) return tl::unexpected(options.error());
  if (auto status = ReadQuestionFile(); !status) return tl::unexpected(status.error());
  if (auto status = OpenFiles(); !status) return tl::unexpected(status.error());
  CountTasks();
  const size_t there = resumed_done_ + resumed_failed_;
  if (there > 0) {
    SayLine(fmt::format("{}: {} samples are there already, {} to go", flags_.out, there, samples_ - there));
  }
  if (there == samples_) {  // and no model need be loaded
    if (auto status = RecordConfiguration(); !status) return tl::unexpected(status.error());
    RunResult result;
    result.progress.samples = there;
    result.progress.done = resumed_done_;
    result.progress.failed = resumed_failed_;
    return Conclude(result);
  }
  const auto result = RunTasks();
  if (!result) return tl::unexpected(result.error());
  if (!result->status) return ReportStopped(result->status.error(), files_ != nullptr);
  return Conclude(*result);
}

}  // namespace

Result<int> RunSynth(const SynthOptions& options, const MessageOptions& messages) {
  return SynthCommand(options, messages).Run();
}

namespace {

struct SynthFlags {
  SynthOptions options;
  MessageOptions messages;
  std::string run_file;
};

}  // namespace

void AddSynthCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("synth", "make fine-tuning data: a response for every question");
  auto flags = std::make_shared<SynthFlags>();
  Settings settings = SynthSettings(flags->options);
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  command->footer(
      "Examples:\n"
      "  tessy synth --questions q.jsonl --student S.gguf --teacher T.gguf \\\n"
      "    --student-boundary BS.gguf --teacher-boundary BT.gguf --out responses.jsonl\n"
      "  tessy synth run.toml --limit 10\n\n"
      "Exit status: 0 done; 1 usage or configuration; 2 some samples failed for good; 3 interrupted, "
      "resumable; 4 a server cannot be reached.");
  command->callback([command, flags, settings, &context] {
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    SetLogLevel(flags->messages.log_level);
    auto status = RunSynth(flags->options, flags->messages);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
