#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/annotation.h"
#include "model/vocabulary.h"
#include "train/example.h"

namespace tessy {

// The window as a predictor learns from it (method, section 8): a token is style, class 1, if it overlaps a
// span; the target at a position is the class of the token after it; the last has none. Windows longer than
// `tokens_max` are cut off at their end. kInvalidData where the vocabulary cannot hold the text.
Result<Example> BoundaryExample(const Annotation& window, const Vocabulary& vocabulary, size_t tokens_max);

// What is trained on and what is only judged on.
struct TraceSplit {
  std::vector<size_t> training;  // windows by index, in their order
  std::vector<size_t> validation;
};

// Puts the windows of `share` of the traces aside, at least those of one: all windows of a trace on the same
// side. Depends on seed and trace ids alone. Pure. kInvalidData where too few traces would be left.
Result<TraceSplit> SplitByTrace(std::span<const Annotation> windows, double share, uint64_t seed);

}  // namespace tessy
