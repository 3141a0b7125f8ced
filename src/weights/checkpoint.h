#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tessy {

// The figures of a Qwen3 decoder: config.json's in Hugging Face's layout, the metadata of a GGUF file.
struct Qwen3Shape {
  int64_t vocabulary = 0;
  int64_t width = 0;
  int64_t layers = 0;
  int64_t feed_forward = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_width = 0;  // independent of width / heads
  int64_t context_tokens = 0;
  double rope_base = 1e6;
  double norm_epsilon = 1e-6;
  bool tied_embeddings = false;  // the output matrix is the embedding matrix
  int64_t classes = 0;           // outputs of a token classifier's head; 0: a language model

  bool operator==(const Qwen3Shape&) const = default;
};

// The name of a tensor in Hugging Face's layout ("model.layers.0.self_attn.q_proj.weight") and its shape,
// outermost dimension first, as PyTorch counts.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;

  bool operator==(const TensorSpec&) const = default;
};

// All tensors of a model of this shape, in a fixed order. A classifier has score.weight and score.bias in
// place of lm_head.weight; a model with tied embeddings has no lm_head.weight.
std::vector<TensorSpec> TensorsOf(const Qwen3Shape& shape);

enum class WeightType { kF32, kF16, kBF16 };

// Entries of text by their full keys ("tessy.training.base").
using Metadata = std::vector<std::pair<std::string, std::string>>;

// The weights of a model in a file, read tensor by tensor. Used by one thread at a time.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  virtual const Qwen3Shape& shape() const = 0;
  // The narrowest type in which every matrix stays as the file has it; F32 for quantised ones.
  virtual WeightType type() const = 0;
  // The entries "tessy.…" of the file, which tell where the model comes from.
  virtual Metadata provenance() const = 0;
  // The values in F32, row-major, in whatever type the file has them. The tensor is one of
  // TensorsOf(shape()). The rows of a head of two classes are capability and style, in this order, whatever
  // the file's own.
  virtual Result<std::vector<float>> Read(const TensorSpec& tensor) const = 0;
};

// Opens a .gguf file of a language model or a predictor, or a Hugging Face folder with config.json and
// model.safetensors or its sharded index. Everything is checked here, before any weight is read: the
// architecture, and that exactly the expected tensors are there, with their shapes.
Result<std::unique_ptr<Checkpoint>> OpenCheckpoint(const std::string& path);

// Returns the values of a tensor that is written.
using TensorReader = std::function<Result<std::vector<float>>(const TensorSpec&)>;

struct WriteGgufOptions {
  std::string tokenizer_from;          // a .gguf whose tokenizer and chat template the new file takes over
  std::string name;                    // general.name
  WeightType type = WeightType::kF32;  // of matrices; vectors and heads stay F32, as llama.cpp wants them
  Metadata metadata = {};              // further entries
};

// Writes a file that llama.cpp loads. A classifier becomes a boundary predictor as Engine reads it. The file
// is written under a temporary name beside `path` and then renamed, so a file that is there stays until the
// new one is complete.
Status WriteGguf(const std::string& path, const Qwen3Shape& shape, const TensorReader& read,
                 const WriteGgufOptions& options);

struct WriteHuggingFaceOptions {
  WeightType type = WeightType::kF32;  // of matrices, as above
  Metadata metadata = {};              // of model.safetensors
};

// Writes config.json and model.safetensors in `folder`, which is created if it is missing. transformers
// loads it as Qwen3ForCausalLM or Qwen3ForTokenClassification. A folder that has either file already is
// refused.
Status WriteHuggingFace(const std::string& folder, const Qwen3Shape& shape, const TensorReader& read,
                        const WriteHuggingFaceOptions& options);

}  // namespace tessy
