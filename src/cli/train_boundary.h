#pragma once

#include "base/error.h"
#include "cli/train_options.h"

namespace tessy {

Result<int> RunTrainBoundary(const TrainBoundaryFlags& flags);

}  // namespace tessy
