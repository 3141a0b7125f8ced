#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/response.h"
#include "lab/experiment_plan.h"

namespace tessy {

// What came of an experiment all of whose stages are done, as one JSON object (results.json): accuracies of
// both models and of every tuned student, figures of the predictors and of the data, losses, similarities.
Result<std::string> CollectLabResults(const LabPlan& plan);

// The first response of each data set, its method named as in the table.
Result<std::vector<Response>> FirstLabTraces(const LabPlan& plan);

}  // namespace tessy
