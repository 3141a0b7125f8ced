#pragma once

#include <torch/types.h>

#include <utility>

namespace tessy {

// The parts of a decoder block that are not matrix products. Each is differentiable in its tensors except in
// the rotary table. On a CPU each is a single pass over memory, forwards and backwards; on other devices it
// is composed of PyTorch's own operations. F32.

// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (Zhang, Sennrich, "Root mean square layer
// normalization", arXiv 1910.07467).
torch::Tensor RmsNorm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);

// Cosines and sines of the rotary positions 0 … length - 1, each [length, width / 2] (Su et al., "RoFormer",
// arXiv 2104.09864; the halves of a head are rotated against each other, as Hugging Face lays it out).
std::pair<torch::Tensor, torch::Tensor> RotaryTable(int64_t length, int64_t width, double base,
                                                    torch::Device device);

// RmsNorm of every head, then its rotation; x is [batch, length, heads, width], the result
// [batch, heads, length, width].
torch::Tensor NormAndRotate(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& cosines,
                            const torch::Tensor& sines, double epsilon);

// softmax(q k' / sqrt(width), causal) v for [batch, heads, length, width], with the heads of q a multiple of
// those of k and v, which consecutive heads of q share.
torch::Tensor CausalAttention(const torch::Tensor& query, const torch::Tensor& key,
                              const torch::Tensor& value);

// silu(gate) * up (Shazeer, "GLU variants improve Transformer", arXiv 2002.05202).
torch::Tensor GatedSilu(const torch::Tensor& gate, const torch::Tensor& up);

// The same functions composed of PyTorch's operations alone, for any device. The single passes are tested
// against these.
namespace composed {
torch::Tensor RmsNorm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);
torch::Tensor NormAndRotate(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& cosines,
                            const torch::Tensor& sines, double epsilon);
torch::Tensor CausalAttention(const torch::Tensor& query, const torch::Tensor& key,
                              const torch::Tensor& value);
torch::Tensor GatedSilu(const torch::Tensor& gate, const torch::Tensor& up);
}  // namespace composed

}  // namespace tessy
