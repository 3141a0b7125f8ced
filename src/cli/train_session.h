#pragma once

#include "base/error.h"
#include "cli/train.h"

namespace tessy {

// The runners of `tessy-train`, which is linked with libtorch: they train in this process until all is done
// or a signal comes, and print what came of it.
TrainRunners TrainHere();

}  // namespace tessy
