#include "model/scripted/scripted_vocabulary.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace tessy {

ScriptedVocabulary::ScriptedVocabulary(std::vector<ScriptedPiece> pieces) : pieces_(std::move(pieces)) {
  for (int byte = 0; byte < 256; ++byte) {
    pieces_.push_back({.text = std::string(1, static_cast<char>(byte)), .weight = 0});
  }
  uint32_t weight = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const ScriptedPiece& piece = pieces_[i];
    const auto kind = static_cast<uint64_t>(piece.kind);
    weights_.push_back(weight += piece.weight);
    Index& index = piece.kind == ScriptedPiece::Kind::kText ? texts_ : markup_;
    index.tokens.emplace(piece.text, static_cast<TokenId>(i));
    index.bytes_max = std::max(index.bytes_max, piece.text.size());
    fingerprint_ = HashParts(std::array<uint64_t, 3>{fingerprint_, HashBytes(piece.text), kind});
  }
  TESSY_CHECK(weight > 0);
}

TokenId ScriptedVocabulary::LongestPrefix(const Index& index, std::string_view text) {
  for (size_t bytes = std::min(index.bytes_max, text.size()); bytes > 0; --bytes) {
    const auto found = index.tokens.find(text.substr(0, bytes));
    if (found != index.tokens.end()) return found->second;
  }
  return -1;
}

std::vector<TokenId> ScriptedVocabulary::Tokenize(std::string_view text) const {
  std::vector<TokenId> tokens;
  for (; !text.empty(); text.remove_prefix(Piece(tokens.back()).size())) {
    tokens.push_back(LongestPrefix(texts_, text));
  }
  return tokens;
}

std::vector<TokenId> ScriptedVocabulary::TokenizeMarkup(std::string_view text) const {
  std::vector<TokenId> tokens;
  for (size_t at = 0; at <= text.size(); ++at) {
    const TokenId special = LongestPrefix(markup_, text.substr(at));
    if (special < 0 && at < text.size()) continue;
    const auto before = Tokenize(text.substr(0, at));
    tokens.insert(tokens.end(), before.begin(), before.end());
    if (special < 0) break;
    tokens.push_back(special);
    text.remove_prefix(at + pieces_[static_cast<size_t>(special)].text.size());
    at = SIZE_MAX;
  }
  return tokens;
}

std::string_view ScriptedVocabulary::Piece(TokenId token) const {
  const ScriptedPiece& piece = pieces_[static_cast<size_t>(token)];
  return piece.kind == ScriptedPiece::Kind::kText ? std::string_view(piece.text) : std::string_view();
}

TokenId ScriptedVocabulary::Find(std::string_view text) const {
  for (const Index* index : {&markup_, &texts_}) {
    if (const auto found = index->tokens.find(text); found != index->tokens.end()) return found->second;
  }
  return -1;
}

bool ScriptedVocabulary::EndsGeneration(TokenId token) const {
  return pieces_[static_cast<size_t>(token)].kind == ScriptedPiece::Kind::kEnd;
}

TokenId ScriptedVocabulary::Pick(double draw) const {
  const auto at = static_cast<uint32_t>(draw * weights_.back());
  return static_cast<TokenId>(std::upper_bound(weights_.begin(), weights_.end(), at) - weights_.begin());
}

}  // namespace tessy
