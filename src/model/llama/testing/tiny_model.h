#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tessy {

// The tokenizer's metadata in a GGUF file.
struct TinyVocabulary {
  enum Type : int32_t { kNormal = 1, kControl = 3, kUserDefined = 4 };

  std::string model = "gpt2";
  std::string pre = "qwen2";
  std::vector<std::string> tokens;  // as GGUF has them: bytes in GPT-2's letters
  std::vector<int32_t> types;       // of each token
  std::vector<std::string> merges;
  int32_t bos = 0;
  int32_t eos = 0;
};

// A byte-pair vocabulary of `size` entries: the 256 bytes first (id = byte), then merges learnt from a short
// text of English and code, then the markers "<|endoftext|>" (bos and eos), "<think>" and "</think>". The
// seed sets the share of English; random pairs follow when the text gives no more merges.
TinyVocabulary MakeTinyVocabulary(size_t size, uint64_t seed);

// A model with random weights: valid in form, without sense, and small enough to be made for each test.
struct TinyModelSpec {
  std::string architecture = "qwen3";  // "qwen3", "llama", "gemma3" (sliding window), "mamba" (recurrent)
  int width = 64;
  int layers = 2;
  int heads = 4;
  int kv_heads = 2;
  int head_width = 16;
  int feed_forward = 128;
  int context = 1024;
  int sliding_window = 16;  // gemma3: of every second layer
  TinyVocabulary vocabulary{};
  std::string chat_template{};  // Jinja; empty: none
  std::string weights = "f32";  // of the matrices: "f32", "f16", "q8_0", "q4_0", "q4_1" (widths then in 32s)
  bool tied_output = false;     // the output matrix is the embedding matrix
  uint64_t seed = 1;
  // A boundary predictor's head (see LlamaModel::LoadClassifier) with this many outputs; 0: none.
  int head_outputs = 0;
  int embedding_rows = 0;  // 0: one for each token, as it should be
  // If it is not empty, the model has a plan instead of chance: after the first token of a pair the second
  // one is by far the most probable, whatever stood before. Of a few tokens; what follows others is chance.
  std::vector<std::pair<int32_t, int32_t>> follows{};
  // Further metadata: for errors, and for keys that no field above sets.
  std::vector<std::pair<std::string, std::string>> strings{};
};

// Writes the model as a GGUF file. Weights are scaled so that the logits differ by several units.
Status WriteTinyModel(const std::string& path, const TinyModelSpec& spec);

// Writes a GGUF file with a vocabulary and no weights. `chat_template`: Jinja; empty: none.
Status WriteVocabularyFile(const std::string& path, const TinyVocabulary& vocabulary,
                           const std::string& chat_template = "");

}  // namespace tessy
