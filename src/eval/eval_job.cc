#include "eval/eval_job.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "dataset/question.h"
#include "eval/benchmark.h"
#include "eval/benchmark_judge.h"
#include "eval/benchmark_rows.h"
#include "eval/missing_samples.h"
#include "eval/program_judging.h"
#include "eval/prompt_style.h"
#include "job/output_check.h"
#include "job/text_or_file.h"
#include "judge/code_tests.h"
#include "model/openai/server_address.h"
#include "store/append_file.h"
#include "store/open_run_store.h"
#include "store/output_guard.h"
#include "store/run_folder.h"

namespace tessy {
namespace {

tl::unexpected<Error> Refuse(const char* reason) { return Fail(ErrorCode::kInvalidArgument, reason); }

Status CheckSource(const EvalOptions& options) {
  const bool benchmark = !options.benchmark.empty();
  if (benchmark && !options.asking.questions.empty())
    return Refuse("--benchmark and --questions: give one of them");
  if (!benchmark && options.asking.questions.empty()) {
    return Refuse(
        "--questions is missing: name the file of questions, with an \"answer\" each, or a --benchmark");
  }
  for (const auto& [flag, value] : {std::pair{"--data", &options.data},
                                    {"--prompt-style", &options.prompt_style},
                                    {"--subset", &options.subset},
                                    {"--since", &options.since},
                                    {"--until", &options.until}}) {
    if (benchmark || value->empty()) continue;
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is of a --benchmark, and none is given", flag));
  }
  if (!benchmark || !options.data.empty()) return {};
  const auto described = LoadBenchmark(options.benchmark);
  if (!described) return Fail(described.error().code, "--benchmark: " + described.error().message);
  return Fail(ErrorCode::kNotFound, "--data is missing; " + DescribeData(*described));
}

// What is judged without asking a model.
bool IsGiven(const EvalOptions& options) { return options.judge_only || !options.responses.empty(); }

Status CheckGiven(const EvalOptions& options) {
  if (!options.model.empty()) {
    return Refuse(options.judge_only ? "--model and --judge-only: give one of them"
                                     : "--model and --responses: give one of them");
  }
  if (!options.judge_only) return {};
  if (!options.responses.empty()) {
    return Refuse("--judge-only and --responses: give one of them; --responses asks no model, either");
  }
  if (options.asking.out.empty() || options.asking.out == "-") {
    return Refuse("--judge-only: name the responses that are to be judged once more by --out");
  }
  return {};
}

Status CheckAsked(const EvalOptions& options) {
  const SynthOptions& asking = options.asking;
  if (options.model.empty()) {
    return Refuse(
        "--model is missing: give the .gguf file or the server to evaluate, or --responses to grade what is "
        "there");
  }
  if (asking.out.empty() || asking.out == "-") {
    return Refuse("--out is missing: name the file for the model's responses");
  }
  if (asking.engine.exact && IsServerAddress(options.model)) {
    return Refuse("--exact: the arithmetic of a server (--model) cannot be controlled from here");
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(asking.questions, error) &&
      std::filesystem::exists(asking.questions, error)) {
    return Refuse(
        "--questions: is read twice, so that it must be a file; write what the pipe gives into one");
  }
  if (asking.questions == "-") {
    return Refuse("--questions: is read twice, so that it must be a file; standard input can be read once");
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

Status CheckReplacesNone(const std::vector<std::string>& kept, const std::string& path) {
  for (const std::string& file : kept) {
    if (file.empty() || !IsSameFile(file, path)) continue;
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--verdicts {}: is a file that the evaluation reads or adds to; name another", path));
  }
  return {};
}

// The same of the files of rows, which are known once the benchmark is.
Status CheckRowsStay(const Benchmark& benchmark, const BenchmarkSelection& selection,
                     const EvalOptions& options) {
  const std::string path = VerdictsPath(options);
  if (path.empty()) return {};
  const auto files = FilesOfRows(benchmark, options.data, selection);
  return files ? CheckReplacesNone(*files, path) : tl::unexpected(files.error());
}

// The verdicts replace a file, which must be none that they come from and none that a run keeps.
Status CheckVerdicts(EvalOptions& options) {
  const std::string path = VerdictsPath(options);
  if (path.empty()) return {};
  const SynthOptions& asking = options.asking;
  std::vector<std::string> kept{asking.questions, options.responses, options.model, options.data,
                                options.prompt_style};
  if (options.responses.empty()) {
    kept.push_back(asking.out);
    for (const char* name : {"config.json", "failures.jsonl", "programs.jsonl", kRunStoreFile})
      kept.push_back(RunFolderOf(asking) + "/" + name);
  }
  if (auto status = CheckReplacesNone(kept, path); !status) return status;
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

const std::string& ResponsesOf(const EvalOptions& options) {
  return options.responses.empty() ? options.asking.out : options.responses;
}

ProgramJudgingOptions ProgramOptionsOf(const EvalOptions& options) {
  ProgramJudgingOptions judging;
  judging.workers = options.judge_workers;
  judging.level = options.sandbox_level;
  judging.python = options.python;
  if (options.responses.empty()) judging.record = RunFolderOf(options.asking) + "/programs.jsonl";
  return judging;
}

// That programs can be judged is seen before anything is asked.
Status CheckPrograms(const Benchmark& benchmark, const EvalOptions& options) {
  if (!benchmark.program.tests_are_read) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--benchmark {}: its tests are in a form that this version does not read",
                            benchmark.name));
  }
  if (auto status = CheckLanguage(benchmark, ProgramOptionsOf(options)); !status) return status;
  const auto level = LevelOfSandbox(ProgramOptionsOf(options));
  return level ? Status() : tl::unexpected(level.error());
}

// The problems; with `checks_tests` it is also seen that the tests of each row can be read.
Result<std::vector<BenchmarkProblem>> ProblemsOf(const Benchmark& benchmark, const PromptStyle& style,
                                                 const std::string& data, const BenchmarkSelection& selection,
                                                 bool checks_tests) {
  std::vector<BenchmarkProblem> problems;
  const auto take = [&](BenchmarkProblem problem, std::string_view row, const std::string& where) -> Status {
    if (checks_tests) {
      if (const auto tests = CodeTestsOf(row); !tests)
        return Fail(tests.error().code, where + ": " + tests.error().message);
    }
    problems.push_back(std::move(problem));
    return {};
  };
  if (auto status = ForEachRow(benchmark, style, data, selection, take); !status)
    return tl::unexpected(status.error());
  return problems;
}

// Replaces nothing but a file that an evaluation wrote: the lines of each begin with the same key.
Status WriteQuestions(const std::string& path, const std::string& lines) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    const auto there = ReadWhole(path);
    if (!there) return tl::unexpected(there.error());
    if (!there->starts_with("{\"benchmark\":")) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format("{}: is not from an evaluation, and the questions would replace it; rename it or "
                      "choose another --out",
                      path));
    }
    if (*there == lines) return {};
  }
  return WriteWhole(path, lines);
}

// What the run of the responses recorded about samples that failed.
std::string FailuresOf(const EvalOptions& options) {
  const std::string folder =
      options.responses.empty() ? RunFolderOf(options.asking) : RunFolder::FolderOf(options.responses, "");
  return folder + "/failures.jsonl";
}

// Whether the questions that lie beside the responses are these: only then is it known what was asked.
bool WasAsked(const EvalOptions& options, const std::string& lines) {
  const auto there = ReadWhole(options.asking.out + ".questions.jsonl");
  return there && *there == lines;
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

Status EvalJob::Ask(EvalResult& result) {
  SynthOptions& asking = options_.asking;
  if (auto status = ReadSystem(asking); !status) return status;
  asking.student = {options_.model};
  auto asked = SynthJob(asking, events_, stop_).Run();
  if (!asked) return tl::unexpected(asked.error());
  result.asked = std::move(*asked);
  return {};
}

Status EvalJob::Grade(const std::vector<Question>& questions, EvalResult& result) {
  const SynthOptions& asking = options_.asking;
  auto graded = GradeResponses(ResponsesOf(options_), asking.questions, questions,
                               asking.samples_per_question, options_.group_by);
  if (!graded) return tl::unexpected(graded.error());
  return Keep(*std::move(graded), result);
}

Status EvalJob::Grade(const std::vector<BenchmarkProblem>& problems, const SampleJudge& judge,
                      EvalResult& result) {
  std::vector<Question> questions;
  for (const BenchmarkProblem& problem : problems) questions.push_back(problem.question);
  const uint32_t samples = options_.asking.samples_per_question;
  auto graded = GradeResponses(ResponsesOf(options_), questions, samples, options_.group_by, judge);
  if (!graded) return tl::unexpected(graded.error());
  graded->verdicts = WithMissingSamples(std::move(graded->verdicts), problems, samples, FailuresOf(options_));
  return Keep(*std::move(graded), result);
}

Status EvalJob::Keep(Graded graded, EvalResult& result) {
  result.graded = std::move(graded);
  result.verdicts_path = VerdictsPath(options_);
  return WriteVerdicts(result.verdicts_path, result.graded->verdicts);
}

Result<EvalResult> EvalJob::RunQuestions() {
  const auto questions = QuestionsOf(options_.asking);
  if (!questions) return tl::unexpected(questions.error());
  if (auto answers = ExpectedAnswers(options_.asking.questions, *questions); !answers) {
    return tl::unexpected(answers.error());
  }
  EvalResult result;
  if (!IsGiven(options_)) {
    if (auto status = Ask(result); !status) return tl::unexpected(status.error());
    if (!result.asked->status || result.asked->interrupted) return result;
  }
  if (auto status = Grade(*questions, result); !status) return tl::unexpected(status.error());
  return result;
}

Result<EvalResult> EvalJob::RunBenchmark() {
  const auto benchmark = LoadBenchmark(options_.benchmark);
  if (!benchmark) return Fail(benchmark.error().code, "--benchmark: " + benchmark.error().message);
  const auto style =
      options_.prompt_style.empty() ? benchmark->prompt : LoadPromptStyle(options_.prompt_style);
  if (!style) return Fail(style.error().code, "--prompt-style: " + style.error().message);
  const bool runs_programs = benchmark->judge == Benchmark::Judge::kCode;
  if (runs_programs) {
    if (auto status = CheckPrograms(*benchmark, options_); !status) return tl::unexpected(status.error());
  }
  const BenchmarkSelection selection{.subset = options_.subset,
                                     .since = options_.since,
                                     .until = options_.until,
                                     .limit = options_.asking.limit};
  if (auto status = CheckRowsStay(*benchmark, selection, options_); !status)
    return tl::unexpected(status.error());
  // Before a model is asked about the first of them.
  const auto problems =
      ProblemsOf(*benchmark, *style, options_.data, selection, runs_programs && !IsGiven(options_));
  if (!problems) return tl::unexpected(problems.error());
  EvalResult result;
  if (!IsGiven(options_)) {
    const std::string lines = QuestionLines(*benchmark, *problems);
    if (auto status = WriteQuestions(options_.asking.questions, lines); !status)
      return tl::unexpected(status.error());
    if (auto status = Ask(result); !status) return tl::unexpected(status.error());
    if (!result.asked->status || result.asked->interrupted) return result;
  }
  ProgramVerdicts programs;
  if (runs_programs) {
    auto judged =
        JudgePrograms(*benchmark, *style, options_.data, selection, *problems, ResponsesOf(options_),
                      options_.asking.samples_per_question, ProgramOptionsOf(options_));
    if (!judged) return tl::unexpected(judged.error());
    programs = *std::move(judged);
  }
  const SampleJudge judge = runs_programs ? JudgeOf(*benchmark, programs) : JudgeOf(*benchmark, *problems);
  if (auto status = Grade(*problems, judge, result); !status) return tl::unexpected(status.error());
  result.report = Report(*benchmark, *style, *problems, result.graded->verdicts);
  result.report->sandbox = programs.level;
  return result;
}

BenchmarkReport EvalJob::Report(const Benchmark& benchmark, const PromptStyle& style,
                                const std::vector<BenchmarkProblem>& problems,
                                const std::vector<SampleVerdict>& verdicts) const {
  BenchmarkReport report = MakeReport(benchmark, problems, verdicts, options_.asking.samples_per_question);
  if (IsGiven(options_))
    report.asked = options_.judge_only && WasAsked(options_, QuestionLines(benchmark, problems));
  if (report.asked) report.official_prompt = OfficialPromptName(style);
  report.subset = options_.subset;
  for (const BenchmarkSubset& subset : benchmark.subsets) {
    if (subset.name == options_.subset) report.published_rows = subset.rows;
  }
  return report;
}

Result<EvalResult> EvalJob::Run() {
  if (auto status = CheckSource(options_); !status) return tl::unexpected(status.error());
  if (auto status = IsGiven(options_) ? CheckGiven(options_) : CheckAsked(options_); !status) {
    return tl::unexpected(status.error());
  }
  // What a benchmark asks lies beside the responses; it is read again as samples come up.
  const bool benchmark = !options_.benchmark.empty();
  if (benchmark && !IsGiven(options_)) options_.asking.questions = options_.asking.out + ".questions.jsonl";
  if (auto status = CheckVerdicts(options_); !status) return tl::unexpected(status.error());
  return benchmark ? RunBenchmark() : RunQuestions();
}

}  // namespace tessy
