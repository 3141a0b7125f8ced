#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/response.h"
#include "lab/experiment_plan.h"

namespace tessy {

// The results of an experiment whose stages are all done, as one JSON object (results.json): the accuracies
// of both models and of every tuned student, the figures of the predictors and of the data, losses, and
// similarities.
Result<std::string> CollectLabResults(const LabPlan& plan);

// The first response of each data set, its method named as in the table.
Result<std::vector<Response>> FirstLabTraces(const LabPlan& plan);

}  // namespace tessy
