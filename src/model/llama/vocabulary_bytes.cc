#include "model/llama/vocabulary_bytes.h"

namespace tessy {
namespace {

// Texts, types and scores, tables by text and by id, here and in llama.cpp: the heaps of models of 49,152 and
// 262,144 tokens differ by 383 bytes a token.
constexpr uint64_t kBytesPerToken = 384;

}  // namespace

uint64_t VocabularyBytes(const GgufFile& file) {
  return file.Count("tokenizer.ggml.tokens") * kBytesPerToken;
}

}  // namespace tessy
