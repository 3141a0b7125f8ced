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

// A tensor by its name in Hugging Face's layout ("model.layers.0.self_attn.q_proj.weight"); shape outermost
// first, as PyTorch counts.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;

  bool operator==(const TensorSpec&) const = default;
};

// Every tensor that a model of this shape has, in a fixed order; no others. A classifier has score.weight and
// score.bias in place of lm_head.weight; a model with tied embeddings has no lm_head.weight.
std::vector<TensorSpec> TensorsOf(const Qwen3Shape& shape);

enum class WeightType { kF32, kF16, kBF16 };

// Entries of text by their full keys ("tessy.training.base").
using Metadata = std::vector<std::pair<std::string, std::string>>;

// A model's weights in a file, read tensor by tensor. One thread at a time.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  virtual const Qwen3Shape& shape() const = 0;
  // The narrowest type in which every matrix stays as the file has it; F32 for quantised ones.
  virtual WeightType type() const = 0;
  // The file's entries "tessy.…" that tell where the model comes from.
  virtual Metadata provenance() const = 0;
  // Values in F32, row-major, whatever the file has them in. The name is one of TensorsOf(shape()).
  virtual Result<std::vector<float>> Read(const TensorSpec& tensor) const = 0;
};

// A .gguf file, of a language model or a predictor; or a Hugging Face folder with config.json and
// model.safetensors or its sharded index. Everything is checked here, before any weight is read: the
// architecture, that every tensor is there with its shape, and that there are no others.
Result<std::unique_ptr<Checkpoint>> OpenCheckpoint(const std::string& path);

// Gives the values of a tensor to write.
using TensorReader = std::function<Result<std::vector<float>>(const TensorSpec&)>;

struct WriteGgufOptions {
  std::string tokenizer_from;          // a .gguf whose tokenizer and chat template the new file takes over
  std::string name;                    // general.name
  WeightType type = WeightType::kF32;  // of matrices; vectors and heads stay F32, as llama.cpp wants them
  Metadata metadata = {};              // besides
};

// Writes a file that llama.cpp loads; a classifier becomes a boundary predictor as Engine reads it. By a
// temporary file beside it, renamed: what stood there stays until all is written.
Status WriteGguf(const std::string& path, const Qwen3Shape& shape, const TensorReader& read,
                 const WriteGgufOptions& options);

struct WriteHuggingFaceOptions {
  WeightType type = WeightType::kF32;  // of matrices, as above
  Metadata metadata = {};              // of model.safetensors
};

// config.json and model.safetensors in `folder`, which is made if it is missing; transformers loads it as
// Qwen3ForCausalLM or Qwen3ForTokenClassification. Refuses a folder that has either file already.
Status WriteHuggingFace(const std::string& folder, const Qwen3Shape& shape, const TensorReader& read,
                        const WriteHuggingFaceOptions& options);

}  // namespace tessy
