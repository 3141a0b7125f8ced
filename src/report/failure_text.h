#pragma once

#include <string>

#include "dataset/failure.h"

namespace tessy {

// One failure for a terminal: its id, its reasons with how often each occurred, what it cost, and the end of
// what the last attempt wrote. Nothing from the model reaches the output as a control character.
std::string RenderFailure(const Failure& failure, bool colour);

}  // namespace tessy
