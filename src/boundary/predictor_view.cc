#include "boundary/predictor_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"

namespace tessy {

void PredictorView::TakePiece(std::string_view piece) {
  const auto tokens = vocabulary_.Tokenize(Sanitize(piece));
  view_.insert(view_.end(), tokens.begin(), tokens.end());
}

void PredictorView::PushText(std::string_view text) {
  text_ += text;
  splitter_.Push(text, [this](std::string_view piece) {
    TakePiece(piece);
    const size_t end = (pieces_.empty() ? 0 : pieces_.back().first) + piece.size();
    pieces_.emplace_back(end, view_.size());
  });
}

void PredictorView::Append(Role writer, std::span<const DraftToken> tokens) {
  writer_ = writer;
  for (const DraftToken& token : tokens) {
    if (!ReadsTokensOf(writer)) {
      PushText(token.text);
      ends_.push_back(text_.size());
      continue;
    }
    if (!token.text.empty()) view_.push_back(token.id);
    ends_.push_back(view_.size());
  }
}

void PredictorView::Rollback(size_t count) {
  TESSY_CHECK(count <= ends_.size());
  ends_.resize(ends_.size() - count);
  const size_t end = ends_.empty() ? 0 : ends_.back();
  if (ReadsTokensOf(writer_)) {
    view_.resize(ends_.empty() ? span_begin_ : end);
    return;
  }
  // Some pieces may have been complete only because of the text that is removed now, so the span is split
  // again.
  const std::string text = text_.substr(0, end);
  text_.clear();
  pieces_.clear();
  splitter_ = {};
  view_.resize(span_begin_);
  PushText(text);
}

void PredictorView::EndSpan() {
  if (!ReadsTokensOf(writer_)) {
    splitter_.Finish([this](std::string_view piece) { TakePiece(piece); });
  }
  text_.clear();
  pieces_.clear();
  ends_.clear();
  splitter_ = {};
  span_begin_ = view_.size();
}

PredictorView::Place PredictorView::Locate(uint32_t tokens) const {
  TESSY_CHECK(tokens >= 1 && tokens <= ends_.size());
  const size_t end = ends_[tokens - 1];
  if (ReadsTokensOf(writer_)) return {.size = end, .tail = {}};
  const auto next = std::upper_bound(pieces_.begin(), pieces_.end(), end,
                                     [](size_t at, const auto& piece) { return at < piece.first; });
  const auto [text_begin, view_begin] =
      next == pieces_.begin() ? std::pair(size_t{0}, span_begin_) : *(next - 1);
  auto tail = vocabulary_.Tokenize(Sanitize(std::string_view(text_).substr(text_begin, end - text_begin)));
  // The vocabulary may have no token for this text, but the predictor needs one token to answer after.
  if (view_begin + tail.size() == 0) tail.push_back(0);
  const size_t size = view_begin + tail.size();
  return {.size = size, .tail = std::move(tail)};
}

std::vector<TokenId> PredictorView::Content(const Place& place, size_t begin) const {
  const size_t from_view = place.size - place.tail.size();
  std::vector<TokenId> content;
  if (begin < from_view) {
    content.assign(view_.begin() + static_cast<std::ptrdiff_t>(begin),
                   view_.begin() + static_cast<std::ptrdiff_t>(from_view));
  }
  const size_t tail_skip = begin > from_view ? begin - from_view : 0;
  content.insert(content.end(), place.tail.begin() + static_cast<std::ptrdiff_t>(tail_skip),
                 place.tail.end());
  return content;
}

}  // namespace tessy
