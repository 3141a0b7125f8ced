#pragma once

#include "base/random.h"
#include "train/example.h"
#include "weights/testing/random_checkpoint.h"

// For tests: data that a model of SmallShape can learn.
namespace tessy {

// Sequences of random tokens whose targets follow a rule that can be learnt: a classifier's target is
// whether the present token is odd, a language model's is the next token.
inline std::vector<Example> RandomExamples(size_t count, bool classes, uint64_t seed = 7) {
  std::vector<Example> examples;
  for (size_t e = 0; e < count; ++e) {
    Example example;
    const size_t length = 5 + static_cast<size_t>(UniformAt(seed, e, 0) * 20);
    for (size_t i = 0; i < length; ++i) {
      example.tokens.push_back(static_cast<int32_t>(UniformAt(seed, e, i + 1) * 48));
    }
    for (size_t i = 0; i < length; ++i) {
      const bool asked = i + 1 < length;
      const int32_t next = asked ? example.tokens[i + 1] : Example::kIgnored;
      // The present token decides the class, because the next one cannot be predicted.
      example.targets.push_back(!asked ? Example::kIgnored : classes ? example.tokens[i] % 2 : next);
      example.weights.push_back(asked ? 1.0F : 0.0F);
      example.kinds.push_back(i % 3 == 0 ? TargetKind::kStyle : TargetKind::kCapability);
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

}  // namespace tessy
