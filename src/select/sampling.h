#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "select/compared_text.h"

namespace tessy {

// A question that may be sampled, with what makes the choice independent of the order of the sources.
struct SampleCandidate {
  TextHash key;        // the least hash among its texts
  uint64_t count = 1;  // rows of the sources that ask it
};

struct SampleSize {
  uint64_t distinct = 0;  // questions; 0: all
  uint64_t rows = 0;      // 0: one for each question
  uint64_t seed = 0;
};

struct SampledQuestion {
  size_t candidate = 0;
  uint64_t rows = 1;

  bool operator==(const SampledQuestion&) const = default;
};

// The places of the candidates, ascending by the hash of seed and key. A sample takes the first ones. Pure.
std::vector<size_t> OrderOfSample(std::span<const SampleCandidate> candidates, uint64_t seed);

// Chooses the `distinct` candidates with the least hash of seed and key, and divides the rows among them in
// proportion to their counts, each getting at least one (the highest averages of Webster and Sainte-Laguë,
// begun at one each). The choice depends on the keys alone, the order of the result is that of the
// candidates. kInvalidArgument: there are fewer rows than questions. Pure.
Result<std::vector<SampledQuestion>> SampleQuestions(std::span<const SampleCandidate> candidates,
                                                     const SampleSize& size);

}  // namespace tessy
