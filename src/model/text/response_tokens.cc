#include "model/text/response_tokens.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"

namespace tessy {

void ResponseTokens::Push(std::span<const TokenId> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  sink_.Append(tokens);
}

void ResponseTokens::Draw(TokenId token, size_t bytes) {
  ends_.push_back(this->bytes() + bytes);
  Push({&token, 1});
}

void ResponseTokens::Rollback(size_t count) {
  TESSY_CHECK(count <= ends_.size());
  ends_.resize(ends_.size() - count);
  tokens_.resize(ends_.size());
  sink_.Truncate(tokens_.size());
}

void ResponseTokens::FeedPiece(std::string_view piece) {
  const auto tokens = vocabulary_.Tokenize(Sanitize(piece));
  const size_t end = bytes() + piece.size();
  // The ends of tokens inside the piece follow from their own lengths; the end of the piece is exact.
  size_t at = bytes();
  for (const TokenId token : tokens) {
    at = std::min(end, at + vocabulary_.Piece(token).size());
    ends_.push_back(at);
  }
  if (!tokens.empty()) ends_.back() = end;
  Push(tokens);
}

void ResponseTokens::Listen(std::span<const DraftToken> tokens) {
  for (const DraftToken& token : tokens) {
    // A token that came without an id can only be read as text.
    if (!shares_vocabulary_ || (token.id < 0 && !token.text.empty())) {
      splitter_.Push(token.text, [this](std::string_view piece) { FeedPiece(piece); });
    } else if (!token.text.empty()) {
      EndListening();
      Draw(token.id, token.text.size());
    }
  }
}

void ResponseTokens::EndListening() {
  splitter_.Finish([this](std::string_view piece) { FeedPiece(piece); });
}

// Keeps the tokens whose text the final form has at the same place.
size_t ResponseTokens::FindPlaceOfAnswer(std::string_view thinking, std::string_view form) const {
  size_t keep = 0;
  size_t begin = 0;
  for (; keep < ends_.size() && ends_[keep] <= form.size(); ++keep) {
    const size_t end = ends_[keep];
    const std::string_view piece = vocabulary_.Piece(tokens_[keep]);
    const bool close =
        std::find(close_tokens_.begin(), close_tokens_.end(), tokens_[keep]) != close_tokens_.end();
    // After the thinking only newlines may stay: a marker that was written in pieces is replaced by the real
    // one.
    const bool fits =
        end <= thinking.size() || (form.compare(begin, piece.size(), piece) == 0 &&
                                   IsBlankText(form.substr(thinking.size(), end - thinking.size())));
    if (close || !fits) break;
    begin = end;
  }
  return keep;
}

void ResponseTokens::OpenAnswer(std::string_view thinking, std::string_view handover) {
  EndListening();
  std::string form(thinking);
  form += handover;
  const size_t keep = FindPlaceOfAnswer(thinking, form);
  const size_t bytes = keep == 0 ? 0 : ends_[keep - 1];
  Rollback(ends_.size() - keep);
  std::vector<TokenId> rest;
  if (bytes < thinking.size()) rest = vocabulary_.Tokenize(Sanitize(thinking.substr(bytes)));
  const auto markup =
      vocabulary_.TokenizeMarkup(std::string_view(form).substr(std::max(bytes, thinking.size())));
  rest.insert(rest.end(), markup.begin(), markup.end());
  ends_.resize(ends_.size() + rest.size(), form.size());
  Push(rest);
}

}  // namespace tessy
