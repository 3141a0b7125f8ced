#pragma once

#include <string_view>

#include "base/error.h"
#include "judge/output_compare.h"

namespace tessy {

// Whether two JSON values, as Python's json module writes and reads them, are equal in Python
// (LiveCodeBench's rule for functions): true is 1, 2 is 2.0, integers have any length, NaN equals nothing,
// Infinity is a value, the last of equal keys counts. A value that is no JSON, or is nested more than 1,000
// deep, is wrong; kInvalidData where `expected` is so, because then the test itself is broken. Pure.
Result<OutputVerdict> CompareValues(std::string_view value, std::string_view expected);

}  // namespace tessy
