#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace tessy {

// Which output of a head of two classes is style, by the names of the classes in the order of the outputs:
// "STYLE", "style", and "capability", "not_style", "non-style". One name that tells is enough. Names that do
// not tell (LABEL_0, class-1, numbers, none) stand for the usual order, in which style is the second. Two
// names that tell the same, and others, are an error that quotes them. Pure.
Result<int> StyleClass(std::span<const std::string> names);

}  // namespace tessy
