#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cooperation/cut.h"
#include "cooperation/trace.h"
#include "model/vocabulary.h"

namespace tessy {

// The response as a predictor reads it: in its own vocabulary, without the question. If that is also the
// writer's vocabulary, the view takes the writer's tokens; otherwise it tokenises the text in the pieces of
// PieceSplitter. The calls are those of BoundaryReader. Not thread-safe.
class PredictorView {
 public:
  // A place in the current span, in predictor tokens.
  struct Place {
    size_t size;                // tokens of the response up to the place
    std::vector<TokenId> tail;  // the last of these tokens, if they are not in tokens()
  };

  // `vocabulary` must outlive the view.
  PredictorView(const Vocabulary& vocabulary, std::array<bool, 2> reads_tokens_of)
      : vocabulary_(vocabulary), reads_tokens_of_(reads_tokens_of) {}

  void Append(Role writer, std::span<const DraftToken> tokens);
  void Rollback(size_t count);
  void EndSpan();
  bool ReadsTokensOf(Role writer) const { return reads_tokens_of_[Index(writer)]; }

  // The place after the first `tokens` tokens of the current span.
  Place Locate(uint32_t tokens) const;
  // The tokens before the place, from index `begin` on (see WindowBegin).
  std::vector<TokenId> Content(const Place& place, size_t begin) const;
  // The tokens of the response so far, up to its last complete piece.
  const std::vector<TokenId>& tokens() const { return view_; }

 private:
  void PushText(std::string_view text);
  void TakePiece(std::string_view piece);

  const Vocabulary& vocabulary_;
  std::array<bool, 2> reads_tokens_of_;
  std::vector<TokenId> view_;
  size_t span_begin_ = 0;  // in view_
  Role writer_ = Role::kStudent;
  // The end of each token of the current span: in view_ if the writer's tokens are read, else in text_.
  std::vector<size_t> ends_;
  std::string text_;
  PieceSplitter splitter_;
  std::vector<std::pair<size_t, size_t>> pieces_;  // ends of the span's complete pieces: in text_, in view_
};

}  // namespace tessy
