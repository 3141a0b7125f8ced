#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "train/trainer.h"
#include "weights/checkpoint.h"

namespace tessy {

// The Qwen3 decoder (Qwen3 technical report, arXiv 2505.09388, section 2; the layout is that of Hugging
// Face's Qwen3Model): pre-norm blocks with RMSNorm, grouped-query attention with RMSNorm on queries and keys,
// rotary positions, SwiGLU. Holds references to the weights, owns none. Differentiable; one thread at a time.
class Decoder {
 public:
  // Returns a weight by its name in TensorsOf(shape); the weights of an adapter are named after the matrix,
  // with ".lora_a" and ".lora_b" appended. An undefined tensor stands for a weight that does not exist
  // (adapters).
  using Weights = std::function<torch::Tensor(const std::string& name)>;

  struct Options {
    Precision precision = Precision::kF32;  // for matrix products; sums, norms and residuals stay F32
    double lora_scale = 0.0;                // alpha / rank
  };

  Decoder(Qwen3Shape shape, const Weights& weights, const Options& options);

  // The rows after the final norm, [batch, length, width], for token ids [batch, length] (int64). Attention
  // is causal, so the padding after the end of a shorter sequence changes nothing before it.
  torch::Tensor Hidden(const torch::Tensor& tokens) const;
  // The vocabulary logits or the outputs of the classes, [rows, outputs], for rows of Hidden, [rows, width].
  // F32.
  torch::Tensor Outputs(const torch::Tensor& rows) const;

  const Qwen3Shape& shape() const { return shape_; }

 private:
  struct Linear {
    torch::Tensor weight, lora_a, lora_b;
  };
  struct Layer {
    torch::Tensor attention_norm, query_norm, key_norm, feed_forward_norm;
    Linear query, key, value, output, gate, up, down;
  };

  torch::Tensor Apply(const Linear& linear, const torch::Tensor& x) const;
  torch::Tensor Attention(const Layer& layer, const torch::Tensor& x) const;
  torch::Tensor FeedForward(const Layer& layer, const torch::Tensor& x) const;

  Qwen3Shape shape_;
  Options options_;
  torch::Tensor embeddings_, final_norm_, head_bias_;
  Linear head_;
  std::vector<Layer> layers_;
};

}  // namespace tessy
