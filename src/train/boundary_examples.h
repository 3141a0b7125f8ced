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

// The window as a predictor learns from it (method, section 8). A token is style (class 1) if it overlaps a
// style span. The target at a position is the class of the token after it; the last position has none.
// Windows longer than `tokens_max` are cut off at their end. kInvalidData if the vocabulary cannot represent
// the text.
Result<Example> BoundaryExample(const Annotation& window, const Vocabulary& vocabulary, size_t tokens_max);

// The windows to train on and the windows to validate with.
struct TraceSplit {
  std::vector<size_t> training;  // windows by index, in their order
  std::vector<size_t> validation;
};

// Reserves the windows of `share` of the traces, at least those of one, for validation. All windows of a
// trace are on the same side. The split depends on the seed and the trace ids alone. Pure. kInvalidData if
// too few traces would be left.
Result<TraceSplit> SplitByTrace(std::span<const Annotation> windows, double share, uint64_t seed);

}  // namespace tessy
