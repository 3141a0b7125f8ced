#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// A model of the lab before it has learnt anything.
struct NewModelOptions {
  std::vector<std::string> texts;  // files of responses, to learn the vocabulary from
  size_t vocabulary = 400;         // tokens, at most
  // All but the vocabulary, which becomes as large as what is learnt.
  Qwen3Shape shape{.vocabulary = 0,
                   .width = 64,
                   .layers = 3,
                   .feed_forward = 192,
                   .heads = 4,
                   .kv_heads = 4,
                   .head_width = 16,
                   .context_tokens = 256,
                   .rope_base = 1000.0,
                   .norm_epsilon = 1e-6,
                   .tied_embeddings = true};
  uint64_t seed = 0;  // of the weights
  std::string out;    // a .gguf
};

// Writes the model: the weights of NewCheckpoint, and a vocabulary of byte pairs (BpeTokenizer) learnt from
// the responses. kConflict: `out` is there already.
Status WriteNewModel(const NewModelOptions& options);

}  // namespace tessy
