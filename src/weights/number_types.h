#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"

namespace tessy {

size_t BytesOf(WeightType type);

// The numbers in the type's little-endian bytes, rounded to the nearest (ties to even).
std::string EncodeNumbers(std::span<const float> values, WeightType type);
// `bytes` is a whole number of numbers.
std::vector<float> DecodeNumbers(std::string_view bytes, WeightType type);

}  // namespace tessy
