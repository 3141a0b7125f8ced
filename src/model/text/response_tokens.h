#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/cut.h"
#include "cooperation/trace.h"
#include "model/vocabulary.h"

namespace tessy {

// Keeps the tokens of a response, after those of the prompt.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void Append(std::span<const TokenId> tokens) = 0;
  virtual void Truncate(size_t count) = 0;  // to the first `count` tokens of the response
};

// One model's token view of a response: its own tokens as it drew them; text of the other role tokenised
// piece by piece, or its ids where both use one vocabulary (see Session). Every change goes to the sink, too.
// Not thread-safe.
class ResponseTokens {
 public:
  // Both must outlive it. `shares_vocabulary`: the other role's ids are this model's own.
  ResponseTokens(const Vocabulary& vocabulary, TokenSink& sink, std::vector<TokenId> close_tokens,
                 bool shares_vocabulary)
      : vocabulary_(vocabulary),
        sink_(sink),
        close_tokens_(std::move(close_tokens)),
        shares_vocabulary_(shares_vocabulary) {}

  // A token that the model itself wrote, which adds `bytes` bytes to the text.
  void Draw(TokenId token, size_t bytes);
  // Forgets the last `count` tokens drawn.
  void Rollback(size_t count);
  void Listen(std::span<const DraftToken> tokens);
  void EndListening();
  // As Session::OpenAnswer.
  void OpenAnswer(std::string_view thinking, std::string_view handover);

  const std::vector<TokenId>& tokens() const { return tokens_; }
  size_t bytes() const { return ends_.empty() ? 0 : ends_.back(); }

 private:
  void Push(std::span<const TokenId> tokens);
  void FeedPiece(std::string_view piece);
  size_t FindPlaceOfAnswer(std::string_view thinking, std::string_view form) const;

  const Vocabulary& vocabulary_;
  TokenSink& sink_;
  std::vector<TokenId> close_tokens_;
  bool shares_vocabulary_;
  std::vector<TokenId> tokens_;
  std::vector<size_t> ends_;  // bytes of the response through each token
  PieceSplitter splitter_;
};

}  // namespace tessy
