#include "synthesis/answer_text.h"

#include <algorithm>
#include <utility>

#include "base/blanks.h"
#include "base/utf8.h"
#include "cooperation/closing.h"
#include "cooperation/repetition.h"

namespace tessy {
namespace {

// The first of `markers` that the text begins with; empty if none.
std::string_view MarkerAt(std::string_view text, std::span<const std::string> markers) {
  for (const std::string_view marker : markers) {
    if (!marker.empty() && text.starts_with(marker)) return marker;
  }
  return {};
}

}  // namespace

AnswerText::AnswerText(AnswerRules rules, std::string& text, uint64_t& tokens)
    : rules_(std::move(rules)), text_(text), tokens_(tokens) {
  text_.clear();
  tokens_ = 0;
}

DraftPosition AnswerText::Position(uint64_t stream) const {
  return {.stream = stream, .offset = text_.size(), .zero_byte_tokens = zero_byte_tokens_};
}

// A close token of an answer alone may be a control token, which has no text.
std::string_view AnswerText::TextOf(const DraftToken& token) const {
  const bool closes = rules_.alone && token.end == DraftToken::End::kThinking && !rules_.closers.empty();
  return closes ? std::string_view(rules_.closers.front()) : std::string_view(token.text);
}

tl::expected<bool, FailureReason> AnswerText::Take(const Draft& draft) {
  for (const DraftToken& token : draft.tokens) {
    if (token.end == DraftToken::End::kSequence) return Finish();
    const size_t looked_at = text_.size();
    text_ += TextOf(token);
    ends_.push_back(text_.size());
    zero_byte_tokens_ = text_.size() == looked_at ? zero_byte_tokens_ + 1 : 0;
    ++tokens_;
    if (CutAtStop(looked_at)) return Finish();
    if (ThinksAloud(looked_at)) return tl::unexpected(FailureReason::kThinkingWritten);
    if (tokens_ % kRepetitionCheckTokens == 0 && EndsInLoop(text_)) {
      return tl::unexpected(FailureReason::kRepetition);
    }
  }
  return false;
}

bool AnswerText::CutAtStop(size_t looked_at) {
  const auto stop = FindMarkerOfText(text_, looked_at, rules_.stops);
  if (!stop) return false;
  const size_t last = std::string_view(text_).substr(0, *stop).find_last_not_of(kBlanks);
  CountTokens(0, last == std::string::npos ? 0 : last + 1);
  return true;
}

// Keeps the text from `begin` to `end` alone, and counts the tokens that have a part in it.
void AnswerText::CountTokens(size_t begin, size_t end) {
  size_t from = 0;
  tokens_ = 0;
  for (const size_t to : ends_) {
    tokens_ += to > begin && from < end ? 1 : 0;
    from = to;
  }
  text_.resize(end);
  text_.erase(0, begin);
}

tl::expected<bool, FailureReason> AnswerText::Finish() {
  if (rules_.alone) {
    bool open = false;
    const size_t blank = BlankThinking(open);
    if (open) return tl::unexpected(FailureReason::kThinkingWritten);
    if (blank > 0) CountTokens(blank, text_.size());
  }
  if (IsBlankText(text_)) return tl::unexpected(FailureReason::kEmptyGeneration);
  return true;
}

size_t AnswerText::BlankThinking(bool& open) const {
  const std::string_view text = text_;
  size_t end = 0;
  open = false;
  while (true) {
    const size_t first = text.find_first_not_of(kBlanks, end);
    if (first == std::string_view::npos) return end == 0 ? 0 : text.size();
    const std::string_view rest = text.substr(first);
    const std::string_view opener = MarkerAt(rest, rules_.openers);
    const std::string_view closer = MarkerAt(rest, rules_.closers);
    if (opener.empty() && closer.empty()) return end == 0 ? 0 : first;
    open = closer.empty();
    end = first + std::max(opener.size(), closer.size());
  }
}

// A marker may still be coming in pieces.
bool AnswerText::ThinksAloud(size_t looked_at) const {
  if (!rules_.alone) return false;
  bool open = false;
  const size_t begin = BlankThinking(open);
  const std::string_view rest = std::string_view(text_).substr(begin);
  if (FindMarker(rest, std::max(looked_at, begin) - begin, rules_.closers)) return true;
  const auto may_become = [rest](std::string_view marker) { return marker.starts_with(rest); };
  return open && !rest.empty() && std::ranges::none_of(rules_.closers, may_become) &&
         std::ranges::none_of(rules_.openers, may_become);
}

}  // namespace tessy
