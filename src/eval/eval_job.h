#pragma once

#include <optional>

#include "base/error.h"
#include "eval/eval_settings.h"
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
};

// Asks a model the questions, or takes responses that are there, and grades them against the questions'
// answers. The verdicts are written as one file, which replaces the one that was there.
class EvalJob {
 public:
  EvalJob(EvalOptions options, JobEvents events, JobStop stop = {});

  // As SynthJob::Run. That every question has an answer is seen before anything is asked.
  Result<EvalResult> Run();

 private:
  EvalOptions options_;
  JobEvents events_;
  JobStop stop_;
};

}  // namespace tessy
