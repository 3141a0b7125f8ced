#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The tokens of a scripted server. Immutable: safe from any thread.
class WireVocabulary {
 public:
  virtual ~WireVocabulary() = default;

  virtual size_t size() const = 0;
  // `parse_special`: "<|im_end|>" and its like are markers, not text.
  virtual std::vector<int32_t> Tokenize(std::string_view text, bool parse_special) const = 0;
  // The first token of `text`, which must not be empty; never one that ends generation.
  virtual int32_t First(std::string_view text) const = 0;
  // The spelling of a token, also of a marker; empty if no token has the id.
  virtual std::string_view Spelling(int32_t id) const = 0;
  virtual bool EndsGeneration(int32_t id) const = 0;
  virtual int32_t message_end() const = 0;  // "<|im_end|>"

  std::string Text(std::span<const int32_t> ids) const;
};

// The vocabulary of the scripted server: markers as Qwen3 spells them, a token for every byte, then pieces of
// the server's text; tokenising takes the longest piece at every place. Ids are fixed within an edition;
// editions hold the same pieces under other ids.
class PhraseVocabulary final : public WireVocabulary {
 public:
  // 1 is "<|im_start|>", 3 is "<think>". The ids 3 and 4 are text wherever they stand.
  static constexpr int32_t kEndOfText = 0;   // "<|endoftext|>"
  static constexpr int32_t kMessageEnd = 2;  // "<|im_end|>"
  static constexpr int32_t kCloseThink = 4;  // "</think>"

  // There are two, 0 and 1.
  static const PhraseVocabulary& Edition(int edition);

  size_t size() const override { return pieces_.size(); }
  std::vector<int32_t> Tokenize(std::string_view text, bool parse_special) const override;
  int32_t First(std::string_view text) const override;
  std::string_view Spelling(int32_t id) const override;
  bool EndsGeneration(int32_t id) const override { return id == kEndOfText || id == kMessageEnd; }
  int32_t message_end() const override { return kMessageEnd; }

 private:
  explicit PhraseVocabulary(bool reversed);

  std::vector<std::string> pieces_;                   // by id
  std::array<std::vector<int32_t>, 256> by_first_{};  // of texts, the longest first
};

}  // namespace tessy
