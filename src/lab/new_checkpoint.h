#pragma once

#include "weights/checkpoint.h"

namespace tessy {

// A model that has learnt nothing. Embeddings are drawn from a normal distribution with standard deviation
// 0.02 (Qwen's initializer_range), other matrices with 0.6 / sqrt(inputs), with which models this narrow
// were measured to start faster. Norms are 1, the bias of a classifier is 0. Immutable; safe from any
// thread.
class NewCheckpoint final : public Checkpoint {
 public:
  NewCheckpoint(const Qwen3Shape& shape, uint64_t seed) : shape_(shape), seed_(seed) {}

  const Qwen3Shape& shape() const override { return shape_; }
  WeightType type() const override { return WeightType::kF32; }
  Metadata provenance() const override { return {}; }
  Result<std::vector<float>> Read(const TensorSpec& tensor) const override;

 private:
  Qwen3Shape shape_;
  uint64_t seed_;
};

}  // namespace tessy
