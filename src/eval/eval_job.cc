#include "eval/eval_job.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "dataset/question.h"
#include "job/output_check.h"
#include "job/text_or_file.h"
#include "model/openai/server_address.h"
#include "store/append_file.h"
#include "store/open_run_store.h"
#include "store/output_guard.h"
#include "store/run_folder.h"

namespace tessy {
namespace {

Status Check(const EvalOptions& options) {
  const auto refuse = [](const char* reason) { return Fail(ErrorCode::kInvalidArgument, reason); };
  const SynthOptions& asking = options.asking;
  if (asking.questions.empty()) {
    return refuse("--questions is missing: name the file of questions, with an \"answer\" each");
  }
  if (options.model.empty() && options.responses.empty()) {
    return refuse(
        "--model is missing: give the .gguf file or the server to evaluate, or --responses to grade what is "
        "there");
  }
  if (!options.responses.empty()) {
    if (!options.model.empty()) return refuse("--model and --responses: give one of them");
    return {};
  }
  if (asking.out.empty() || asking.out == "-") {
    return refuse("--out is missing: name the file for the model's responses");
  }
  if (asking.engine.exact && IsServerAddress(options.model)) {
    return refuse("--exact: the arithmetic of a server (--model) cannot be controlled from here");
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(asking.questions, error) &&
      std::filesystem::exists(asking.questions, error)) {
    return refuse(
        "--questions: is read twice, so that it must be a file; write what the pipe gives into one");
  }
  if (asking.questions == "-") {
    return refuse("--questions: is read twice, so that it must be a file; standard input can be read once");
  }
  return {};
}

std::string RunFolderOf(const SynthOptions& asking) {
  return RunFolder::FolderOf(asking.out, asking.run_folder);
}

std::string VerdictsPath(const EvalOptions& options) {
  if (!options.verdicts.empty() || !options.responses.empty()) return options.verdicts;
  return RunFolderOf(options.asking) + "/verdicts.jsonl";
}

// The verdicts replace a file, which must be none that they come from and none that a run keeps.
Status CheckVerdicts(EvalOptions& options) {
  const std::string path = VerdictsPath(options);
  if (path.empty()) return {};
  const SynthOptions& asking = options.asking;
  std::vector<std::string> kept{asking.questions, options.responses, options.model};
  if (options.responses.empty()) {
    kept.push_back(asking.out);
    for (const char* name : {"config.json", "failures.jsonl", kRunStoreFile})
      kept.push_back(RunFolderOf(asking) + "/" + name);
  }
  for (const std::string& file : kept) {
    if (file.empty() || !IsSameFile(file, path)) continue;
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--verdicts {}: is a file that the evaluation reads or adds to; name another", path));
  }
  return CheckOutputs(EvalSettings(options));
}

Status WriteVerdicts(const std::string& path, const std::vector<SampleVerdict>& verdicts) {
  if (path.empty()) return {};
  std::string lines;
  for (const SampleVerdict& verdict : verdicts) lines += ToJsonLine(verdict) + "\n";
  return WriteWhole(path, lines);
}

Result<std::vector<Question>> QuestionsOf(const SynthOptions& asking) {
  auto read = ReadQuestions(asking.questions, {.skip_bad_lines = asking.skip_bad_lines});
  if (!read) return tl::unexpected(read.error());
  std::vector<Question> questions = std::move(read->questions);
  if (asking.limit > 0 && questions.size() > asking.limit) questions.resize(asking.limit);
  return questions;
}

// Here, so that a message names the flag of an evaluation.
Status ReadSystem(SynthOptions& asking) {
  auto text = WithoutFile(asking.student_system);
  if (!text) return Fail(ErrorCode::kInvalidArgument, "--system: " + text.error().message);
  asking.student_system = std::move(*text);
  return {};
}

}  // namespace

EvalJob::EvalJob(EvalOptions options, JobEvents events, JobStop stop)
    : options_(std::move(options)), events_(std::move(events)), stop_(std::move(stop)) {}

Result<EvalResult> EvalJob::Run() {
  if (auto status = Check(options_); !status) return tl::unexpected(status.error());
  if (auto status = CheckVerdicts(options_); !status) return tl::unexpected(status.error());
  SynthOptions& asking = options_.asking;
  const auto questions = QuestionsOf(asking);
  if (!questions) return tl::unexpected(questions.error());
  if (auto answers = ExpectedAnswers(asking.questions, *questions); !answers) {
    return tl::unexpected(answers.error());
  }
  EvalResult result;
  if (options_.responses.empty()) {
    if (auto status = ReadSystem(asking); !status) return tl::unexpected(status.error());
    asking.student = {options_.model};
    auto asked = SynthJob(asking, events_, stop_).Run();
    if (!asked) return tl::unexpected(asked.error());
    result.asked = std::move(*asked);
    if (!result.asked->status || result.asked->interrupted) return result;
  }
  auto graded = GradeResponses(options_.responses.empty() ? asking.out : options_.responses, asking.questions,
                               *questions, asking.samples_per_question, options_.group_by);
  if (!graded) return tl::unexpected(graded.error());
  result.graded = std::move(*graded);
  result.verdicts_path = VerdictsPath(options_);
  if (auto status = WriteVerdicts(result.verdicts_path, result.graded->verdicts); !status) {
    return tl::unexpected(status.error());
  }
  return result;
}

}  // namespace tessy
