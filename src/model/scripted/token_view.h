#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "cooperation/trace.h"

namespace tessy {

// Tokens in a row, with a hash of every beginning of the row.
class TokenView {
 public:
  void Append(std::span<const TokenId> tokens) {
    for (const TokenId token : tokens) {
      hashes_.push_back(Fold(hashes_.back(), token));
      tokens_.push_back(token);
    }
  }
  void Append(TokenId token) { Append({&token, 1}); }
  void Truncate(size_t size) {
    tokens_.resize(size);
    hashes_.resize(size + 1);
  }
  size_t size() const { return tokens_.size(); }
  const std::vector<TokenId>& tokens() const { return tokens_; }
  uint64_t hash() const { return hashes_.back(); }

  static uint64_t Fold(uint64_t hash, TokenId token) {
    return HashParts(std::array<uint64_t, 2>{hash, static_cast<uint64_t>(token)});
  }

 private:
  std::vector<TokenId> tokens_;
  std::vector<uint64_t> hashes_{0};
};

}  // namespace tessy
