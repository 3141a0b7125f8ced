#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The vocabulary of the scripted server: markers as Qwen3 spells them, a token for every byte, then pieces of
// what it writes. Ids are fixed within an edition; editions hold the same pieces under other ids. Immutable:
// safe from any thread.
class WireVocabulary {
 public:
  static constexpr int32_t kEndOfText = 0;     // "<|endoftext|>"
  static constexpr int32_t kMessageStart = 1;  // "<|im_start|>"
  static constexpr int32_t kMessageEnd = 2;    // "<|im_end|>"
  static constexpr int32_t kThink = 3;         // "<think>"; it and the next are text wherever they stand
  static constexpr int32_t kCloseThink = 4;    // "</think>"

  // There are two, 0 and 1.
  static const WireVocabulary& Edition(int edition);

  size_t size() const { return pieces_.size(); }
  // The longest piece at every place. `parse_special`: "<|im_end|>" and its like are markers, not text.
  std::vector<int32_t> Tokenize(std::string_view text, bool parse_special) const;
  // The token with which `text`, which must not be empty, begins; never a message marker.
  int32_t First(std::string_view text) const;
  // How the token is spelt, markers too; empty for an id that there is none of.
  std::string_view Spelling(int32_t id) const;
  std::string Text(std::span<const int32_t> ids) const;
  static bool EndsGeneration(int32_t id) { return id == kEndOfText || id == kMessageEnd; }

 private:
  explicit WireVocabulary(bool reversed);

  std::vector<std::string> pieces_;                   // by id
  std::array<std::vector<int32_t>, 256> by_first_{};  // of texts, the longest first
};

}  // namespace tessy
