#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"

namespace tessy {

size_t BytesOf(WeightType type);

// The numbers as little-endian bytes of the type, rounded to the nearest (ties to even).
std::string EncodeNumbers(std::span<const float> values, WeightType type);
// The numbers in `bytes`, whose size is a multiple of the type's.
std::vector<float> DecodeNumbers(std::string_view bytes, WeightType type);

}  // namespace tessy
