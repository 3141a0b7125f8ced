#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "lab/experiment_plan.h"

namespace tessy {

struct LabOutcome {
  std::string table;         // for a terminal
  std::string report_path;   // the page
  std::string results_path;  // JSON
};

// The paper in miniature: pretrains a student and a teacher, trains predictors, writes data by every method,
// tunes the student on each, evaluates all of it, and writes results.json and report.html. Every stage is a
// command of this program and runs as a process of its own; `begun` is told which. The same call goes on
// where an earlier one ended. Errors: those of Stages; kNotFound: a model is not there.
Result<LabOutcome> RunLabExperiment(LabOptions options, const std::function<void(const StagesBegun&)>& begun);

}  // namespace tessy
