#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/trace.h"

namespace tessy {

// A model's tokenizer. Immutable; safe from any thread.
class Vocabulary {
 public:
  virtual ~Vocabulary() = default;

  virtual size_t size() const = 0;
  // For text that a model or a user wrote: no special token is recognised in it.
  virtual std::vector<TokenId> Tokenize(std::string_view text) const = 0;
  // For markup of a template: special tokens are recognised.
  virtual std::vector<TokenId> TokenizeMarkup(std::string_view text) const = 0;
  // The bytes the token adds to a text; empty for control tokens. May end inside a character.
  virtual std::string_view Piece(TokenId token) const = 0;
  // The token whose text is exactly this (a marker), or -1.
  virtual TokenId Find(std::string_view text) const = 0;
  virtual bool EndsGeneration(TokenId token) const = 0;
  // Equal for vocabularies between which token ids may pass.
  virtual uint64_t fingerprint() const = 0;
};

}  // namespace tessy
