#include "lab/new_checkpoint.h"

#include <cmath>
#include <numbers>

#include "base/random.h"

namespace tessy {
namespace {

// Box and Muller, "A note on the generation of random normal deviates" (1958).
double Normal(uint64_t key, uint64_t index) {
  const double radius = std::sqrt(-2.0 * std::log1p(-UniformAt(key, 0, index)));
  return radius * std::cos(2.0 * std::numbers::pi * UniformAt(key, 1, index));
}

}  // namespace

Result<std::vector<float>> NewCheckpoint::Read(const TensorSpec& tensor) const {
  size_t count = 1;
  for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
  if (tensor.name.ends_with("norm.weight")) return std::vector<float>(count, 1.0F);
  std::vector<float> values(count);
  if (tensor.name.ends_with(".bias")) return values;
  const uint64_t key = HashBytes(tensor.name, seed_);
  // Embeddings are the output matrix, too: they are small, so that the first guesses are even.
  const bool embeds = tensor.name == "model.embed_tokens.weight";
  const double deviation = embeds ? 0.02 : 0.6 / std::sqrt(static_cast<double>(tensor.shape.back()));
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(deviation * Normal(key, i));
  return values;
}

}  // namespace tessy
