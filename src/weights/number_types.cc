#include "weights/number_types.h"

#include <ggml.h>

#include <cstring>

namespace tessy {

size_t BytesOf(WeightType type) { return type == WeightType::kF32 ? 4 : 2; }

std::string EncodeNumbers(std::span<const float> values, WeightType type) {
  std::string bytes(values.size() * BytesOf(type), '\0');
  const auto count = static_cast<int64_t>(values.size());
  switch (type) {
    case WeightType::kF32:
      std::memcpy(bytes.data(), values.data(), bytes.size());
      break;
    case WeightType::kF16:
      ggml_fp32_to_fp16_row(values.data(), reinterpret_cast<ggml_fp16_t*>(bytes.data()), count);
      break;
    case WeightType::kBF16:
      ggml_fp32_to_bf16_row(values.data(), reinterpret_cast<ggml_bf16_t*>(bytes.data()), count);
      break;
  }
  return bytes;
}

std::vector<float> DecodeNumbers(std::string_view bytes, WeightType type) {
  std::vector<float> values(bytes.size() / BytesOf(type));
  const auto count = static_cast<int64_t>(values.size());
  // The bytes of a file may stand at any address.
  const std::string aligned(bytes);
  switch (type) {
    case WeightType::kF32:
      if (!values.empty()) std::memcpy(values.data(), aligned.data(), aligned.size());
      break;
    case WeightType::kF16:
      ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t*>(aligned.data()), values.data(), count);
      break;
    case WeightType::kBF16:
      ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(aligned.data()), values.data(), count);
      break;
  }
  return values;
}

}  // namespace tessy
