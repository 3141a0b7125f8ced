#pragma once

#include <memory>

#include "base/random.h"
#include "weights/checkpoint.h"

namespace tessy {

// For tests: a model of random weights in memory.
class RandomCheckpoint final : public Checkpoint {
 public:
  explicit RandomCheckpoint(const Qwen3Shape& shape, uint64_t seed = 1) : shape_(shape), seed_(seed) {}
  const Qwen3Shape& shape() const override { return shape_; }
  WeightType type() const override { return WeightType::kF32; }
  Metadata provenance() const override { return {}; }
  Result<std::vector<float>> Read(const TensorSpec& tensor) const override {
    size_t count = 1;
    for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
    const bool norm = tensor.name.find("norm.weight") != std::string::npos;
    const uint64_t key = HashBytes(tensor.name, seed_);
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {
      const auto uniform = static_cast<float>(UniformAt(key, 0, i) - 0.5);
      values[i] = norm ? 1.0F + 0.2F * uniform : 0.4F * uniform;
    }
    return values;
  }

 private:
  Qwen3Shape shape_;
  uint64_t seed_;
};

inline Qwen3Shape SmallShape(int64_t classes = 0) {
  return {.vocabulary = 48,
          .width = 24,
          .layers = 2,
          .feed_forward = 40,
          .heads = 4,
          .kv_heads = 2,
          .head_width = 8,
          .context_tokens = 64,
          .rope_base = 1e4,
          .norm_epsilon = 1e-6,
          .tied_embeddings = true,
          .classes = classes};
}

}  // namespace tessy
