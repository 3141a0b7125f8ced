#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/vocabulary.h"

namespace tessy {

struct ScriptedPiece {
  enum class Kind : uint8_t { kText, kControl, kEnd };
  std::string text;     // for a control or end token, its spelling in markup
  uint32_t weight = 1;  // how often the model writes it
  Kind kind = Kind::kText;
};

// A vocabulary for tests: the pieces given, then a token for each byte, which the model never writes.
// Tokenising takes the longest piece at every place.
class ScriptedVocabulary final : public Vocabulary {
 public:
  explicit ScriptedVocabulary(std::vector<ScriptedPiece> pieces);

  size_t size() const override { return pieces_.size(); }
  std::vector<TokenId> Tokenize(std::string_view text) const override;
  std::vector<TokenId> TokenizeMarkup(std::string_view text) const override;
  std::string_view Piece(TokenId token) const override;
  TokenId Find(std::string_view text) const override;
  bool EndsGeneration(TokenId token) const override;
  uint64_t fingerprint() const override { return fingerprint_; }

  // The token for a number in [0, 1): each has a share of that range by its weight.
  TokenId Pick(double draw) const;

 private:
  struct Index {
    std::map<std::string, TokenId, std::less<>> tokens;
    size_t bytes_max = 1;
  };
  // The token of the longest entry that `text` begins with; -1 if none.
  static TokenId LongestPrefix(const Index& index, std::string_view text);

  std::vector<ScriptedPiece> pieces_;
  std::vector<uint32_t> weights_;  // running sums
  Index texts_;
  Index markup_;
  uint64_t fingerprint_ = 0;
};

}  // namespace tessy
