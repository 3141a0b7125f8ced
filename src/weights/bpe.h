#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tessy {

// A byte-level BPE vocabulary as GGUF files hold it (Sennrich et al., "Neural machine translation of rare
// words with subword units", arXiv 1508.07909). Bytes are written as GPT-2 writes them.
struct BpeTokenizer {
  std::vector<std::string> specials;  // the first tokens
  std::vector<std::string> tokens;    // all, specials included; bytes written as GPT-2's characters
  std::vector<std::string> merges;    // "left right", in the order in which they apply
};

// Learns `size` tokens from the texts: `specials`, the 256 bytes, then the most frequent pairs inside words
// as GPT-2's splitting finds them. Among equally frequent pairs the first by bytes is taken. There are fewer
// tokens if the texts have no more pairs. Pure.
BpeTokenizer TrainBpe(const std::vector<std::string>& texts, size_t size,
                      const std::vector<std::string>& specials);

// GPT-2's pre-tokenisation of ASCII text; other bytes count as letters.
std::vector<std::string_view> SplitGpt2(std::string_view text);

// Writes a .gguf that holds nothing but the vocabulary and the chat template, for WriteGguf's tokenizer_from.
// `bos` and `eos` are specials.
Status WriteTokenizerGguf(const std::string& path, const BpeTokenizer& tokenizer, std::string_view bos,
                          std::string_view eos, std::string_view chat_template);

}  // namespace tessy
