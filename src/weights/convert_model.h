#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

struct ConvertModelOptions {
  std::string from;                               // a .gguf file, or a Hugging Face folder
  std::string out;                                // a name that ends in .gguf, or else a folder's
  std::string tokenizer = {};                     // for a .gguf: one of the model's base; empty: `from`
  std::optional<WeightType> type = std::nullopt;  // of matrices; none: the type that `from` has
  std::function<void(size_t done, size_t tensors)> progress = {};
};

struct ConvertedModel {
  Qwen3Shape shape;
  WeightType type = WeightType::kF32;
  size_t tensors = 0;
};

// Writes the model anew in the other layout, or in the same one with another type. kConflict: `out` is there
// already. kInvalidArgument: a tokenizer is missing, or is given for a folder. Errors name the flags of
// `tessy model convert`.
Result<ConvertedModel> ConvertModel(const ConvertModelOptions& options);

}  // namespace tessy
