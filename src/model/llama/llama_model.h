#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/llama/accelerators.h"
#include "model/llama/cache_type.h"
#include "model/llama/model_shape.h"
#include "model/text/gguf_file.h"
#include "model/vocabulary.h"

struct llama_model;

namespace tessy {

struct LlamaModelOptions {
  // Layers to keep on accelerators, as for PlacesOf. 0: accelerators take no part at all, as exact arithmetic
  // needs; otherwise they also compute large batches of layers that lie in RAM.
  int gpu_layers = 0;
  bool cpu_experts = false;                // the matrices of experts stay in RAM, whatever the layers
  bool exact = false;                      // batch-invariant arithmetic, see numerics.h
  CacheType cache_type = CacheType::kF16;  // exact arithmetic caches F32 whatever it says
};

// The weights of one GGUF file, ready to run, with its vocabulary. Shared by every engine and session that
// uses it; immutable after loading, safe from any thread.
class LlamaModel {
 public:
  // A language model. Errors name the file and what is wrong with it.
  static Result<std::shared_ptr<const LlamaModel>> Load(const std::string& path,
                                                        const LlamaModelOptions& options);
  // The trunk of a boundary predictor: a 2-class head in `cls.output.weight` {width, 2}, its bias in the f32
  // array `tessy.classifier.bias` (absent: none), labels in `<arch>.classifier.output_labels`. The head takes
  // the place of the output matrix, so that a token costs no vocabulary logits; tokens are fed as embeddings.
  // A head that is missing or of another shape is an error.
  static Result<std::shared_ptr<const LlamaModel>> LoadClassifier(const std::string& path,
                                                                  const LlamaModelOptions& options);
  ~LlamaModel();

  const GgufFile& file() const { return file_; }
  const Vocabulary& vocabulary() const { return *vocabulary_; }
  llama_model* handle() const { return model_; }
  bool exact() const { return options_.exact; }
  CacheType cache_type() const { return options_.exact ? CacheType::kF32 : options_.cache_type; }
  bool is_classifier() const { return is_classifier_; }
  // Sequences of models with recurrent state cannot be shortened; they are fed again from their start.
  bool can_roll_back() const { return can_roll_back_; }
  int context_tokens() const { return context_tokens_; }  // that the model was trained for
  uint64_t parameters() const;
  // Where the weights and the attention cache lie.
  const MemoryPlaces& places() const { return places_; }
  // Bytes of attention cache for one token of one sequence, as the engine lays it out, in RAM and on
  // accelerators together.
  uint64_t kv_bytes_per_token() const;
  // Values of one token's result: vocabulary logits, or the two of a classifier.
  int output_width() const;

  // Classifiers only: the embedding rows of the tokens, one after the other, as the model's own look-up gives
  // them.
  void AppendEmbeddings(TokenId token, std::vector<float>& out) const;
  int embedding_width() const { return embedding_width_; }
  // Classifiers only: P(style) from the head's two outputs.
  float StyleProbability(const float* outputs) const;

 private:
  explicit LlamaModel(const LlamaModelOptions& options) : options_(options) {}

  void FindPlaces();

  LlamaModelOptions options_;
  MemoryPlaces places_;
  GgufFile file_;
  std::unique_ptr<Vocabulary> vocabulary_;
  llama_model* vocabulary_model_ = nullptr;  // classifiers: the file's vocabulary without its weights
  llama_model* model_ = nullptr;
  bool is_classifier_ = false;
  bool can_roll_back_ = true;
  int context_tokens_ = 0;
  int embedding_width_ = 0;
  std::vector<uint8_t> embedding_rows_;  // classifiers: token_embd.weight as stored
  size_t embedding_row_bytes_ = 0;
  int embedding_type_ = 0;
  int style_class_ = 1;
  float bias_[2] = {0.0F, 0.0F};
};

}  // namespace tessy
