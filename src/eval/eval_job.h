#pragma once

#include <optional>
#include <vector>

#include "base/error.h"
#include "eval/benchmark.h"
#include "eval/benchmark_report.h"
#include "eval/benchmark_rows.h"
#include "eval/eval_settings.h"
#include "eval/prompt_style.h"
#include "job/job_events.h"
#include "job/synth_job.h"
#include "judge/grading.h"

namespace tessy {

struct EvalResult {
  // How asking the model went; empty where responses were given.
  std::optional<SynthResult> asked = std::nullopt;
  // Empty where asking was stopped or broke off: the same job goes on with it.
  std::optional<Graded> graded = std::nullopt;
  std::string verdicts_path = {};  // where the verdicts were written; empty: nowhere
  // The report of a benchmark, where there is a grade.
  std::optional<BenchmarkReport> report = std::nullopt;
};

// Asks a model the questions, or takes responses that are there, and grades them against the questions'
// answers. The verdicts are written as one file, which replaces the one that was there.
// The rows of a benchmark become a file of questions beside the responses (`out` + ".questions.jsonl"), which
// is written anew each time; nothing else is ever replaced there.
class EvalJob {
 public:
  EvalJob(EvalOptions options, JobEvents events, JobStop stop = {});

  // As SynthJob::Run. That every question has an answer is seen before anything is asked.
  Result<EvalResult> Run();

 private:
  Result<EvalResult> RunQuestions();
  Result<EvalResult> RunBenchmark();
  Status Ask(EvalResult& result);
  Status Grade(const std::vector<Question>& questions, EvalResult& result);
  Status Grade(const std::vector<BenchmarkProblem>& problems, const SampleJudge& judge, EvalResult& result);
  Status Keep(Graded graded, EvalResult& result);
  BenchmarkReport Report(const Benchmark& benchmark, const PromptStyle& style,
                         const std::vector<BenchmarkProblem>& problems,
                         const std::vector<SampleVerdict>& verdicts) const;

  EvalOptions options_;
  JobEvents events_;
  JobStop stop_;
};

}  // namespace tessy
