#pragma once

#include <string>

#include "base/error.h"
#include "cli/train_options.h"
#include "train/training_run.h"

namespace tessy {

TrainerOptions TrainerOptionsOf(const TrainFlags& flags);
WeightType WeightTypeOf(const TrainFlags& flags);

// Says what it trains on (`about`), runs the job with the flags' progress, until done or Ctrl-C, and says
// what came of it. The exit status.
Result<int> RunJob(TrainingJob job, const TrainFlags& flags, const std::string& about);

}  // namespace tessy
