#pragma once

#include "base/error.h"
#include "cli/train_options.h"

namespace tessy {

Result<int> RunTrainSft(const TrainSftFlags& flags);

}  // namespace tessy
