#include "model/openai/testing/wire_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/random.h"

namespace tessy {
namespace {

constexpr std::string_view kClose = "</think>";

// Each begins with its blank, ends with its break, and holds no other.
constexpr std::string_view kMarkers[] = {
    " Okay,",
    " Wait,",
    " Hmm,",
    " So",
    " First,",
    " Now,",
    " But wait,",
    " Let me check.",
    " Then,",
    " Alright,",
    " Actually,",
    " For example,",
    " I see.",
    " Hmm wait,",
    " Okay so,",
    " Let me see.",
    " That makes sense.",
    " let me think.",
};

bool IsBreak(char c) { return c == '.' || c == ',' || c == ';' || c == '\n'; }
std::string Clause(uint64_t draw, char end) {
  const uint64_t a = draw % 89 + 3;
  const uint64_t b = (draw >> 8) % 89 + 3;
  switch ((draw >> 20) % 10) {
    case 0:
      return fmt::format(" {} + {} = {}{}", a, b, a + b, end);
    case 1:
      return fmt::format(" we add {} and {}{}", a, b, end);
    case 2:
      return fmt::format(" f(x) = x * {}{}", a, end);
    case 3:
      return fmt::format(" items[i] += {}{}", a, end);
    case 4:
      return fmt::format(" the sum of x and {} is {}{}", a, a + b, end);
    case 5:
      return fmt::format(" π ≈ {} times n{}", a, end);
    case 6:
      return fmt::format(" total = total - {}{}", b, end);
    case 7:
      return fmt::format(" the café 日本語 時間 costs {}{}", a, end);
    case 8:
      return fmt::format(" loop over the list with index {} 🙂{}", b, end);
    default:
      return fmt::format(" return sum(n) + {} * {}{}", a, b, end);
  }
}

uint64_t FoldByte(uint64_t hash, char byte) {  // FNV-1a
  return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
}

}  // namespace

WireText::WireText(const WireVocabulary& vocabulary, const WireTextOptions& options, std::string_view model,
                   std::string_view question, std::string_view response)
    : vocabulary_(vocabulary), options_(options), key_(HashBytes(model)), hash_(0xcbf29ce484222325ULL) {
  const uint64_t asked = HashBytes(question);
  words_wanted_ = options.thinking_words_min +
                  asked % (options.thinking_words_max -
                           std::min(options.thinking_words_min, options.thinking_words_max) + 1);
  key_ = HashParts(std::array<uint64_t, 2>{key_, asked});
  Take(response);
}

uint64_t WireText::Draw(uint64_t purpose) const {
  return HashParts(std::array<uint64_t, 3>{key_, hash_, purpose});
}

void WireText::Take(std::string_view text) {
  if (answering_) {
    answer_ += text;
    return;
  }
  // A marker may have begun in what came before.
  const size_t before = line_.size();
  line_ += text;
  const size_t close = line_.find(kClose);
  if (close == std::string::npos) {
    TakeThinking(text);
    if (line_.size() >= kClose.size()) line_.erase(0, line_.size() - (kClose.size() - 1));
    return;
  }
  if (close > before) TakeThinking(text.substr(0, close - before));
  answering_ = true;
  answer_ = line_.substr(close + kClose.size());
  rest_.clear();
}

void WireText::TakeThinking(std::string_view text) {
  for (const char c : text) {
    segment_ += c;
    if (!IsBreak(c)) continue;
    for (const char of_segment : segment_) {
      hash_ = FoldByte(hash_, of_segment);
      words_ += of_segment == ' ' ? 1 : 0;
    }
    segment_.clear();
    last_break_ = c;
  }
}

// What a whole segment would be here, had it not begun yet.
std::string WireText::PlanSegment() const {
  if (words_ >= words_wanted_ && last_break_ != ',') {
    return last_break_ == '\n' ? std::string(kClose) : "\n";
  }
  const uint64_t draw = Draw(1);
  const bool goes_on = last_break_ == ',' || last_break_ == ';';
  if (draw % 100 < (goes_on ? options_.style_percent : 60U)) {
    const std::string_view marker = kMarkers[(draw >> 8) % std::size(kMarkers)];
    if (IsBreak(marker.back())) return std::string(marker);
    return std::string(marker) + Clause(Draw(2), '.');
  }
  if (draw % 29 == 0) return "\n";
  std::string segment = Clause(draw, options_.clauses > 1 && Draw(3) % options_.clauses != 0 ? ',' : '.');
  if (last_break_ == '\n') segment.erase(0, 1);
  return segment;
}

std::string WireText::PlanAnswer() const {
  const std::string whole = fmt::format("The answer is {}{}.", Draw(4) % 100, Draw(5) % 3 == 0 ? " 語" : "");
  const size_t begin = answer_.find_first_not_of("\n ");
  if (begin == std::string::npos) return answer_.find('\n') == std::string::npos ? "\n\n" + whole : whole;
  const std::string_view so_far = std::string_view(answer_).substr(begin);
  return std::string_view(whole).starts_with(so_far) ? whole.substr(so_far.size()) : "";
}

// What is still to be written of the segment under way, whoever began it. Empty: the end.
std::string WireText::Plan() const {
  if (answering_) return PlanAnswer();
  const std::string own = PlanSegment();
  if (own.starts_with(segment_)) return own.substr(segment_.size());
  const size_t first = Draw(6) % std::size(kMarkers);
  for (size_t i = 0; i < std::size(kMarkers); ++i) {
    const std::string_view marker = kMarkers[(first + i) % std::size(kMarkers)];
    if (marker.size() > segment_.size() && marker.starts_with(segment_))
      return std::string(marker.substr(segment_.size()));
  }
  return PlanBehindOthers();
}

// The other role's words, which no segment of ours begins with. A clause is put behind them, told by how they
// read; once it is begun, they are the first of its beginnings that fits.
std::string WireText::PlanBehindOthers() const {
  for (size_t at = 1; at <= segment_.size(); ++at) {
    if (at < segment_.size() && segment_[at] != ' ') continue;
    const std::string_view theirs = std::string_view(segment_).substr(0, at);
    const std::string clause = Clause(HashBytes(theirs, Draw(7)), '.');
    const std::string_view begun = std::string_view(segment_).substr(at);
    if (clause.starts_with(begun)) return clause.substr(begun.size());
  }
  return ".";
}

int32_t WireText::Next() {
  if (rest_.empty()) rest_ = Plan();
  if (rest_.empty()) return vocabulary_.message_end();
  const int32_t id = vocabulary_.First(rest_);
  const std::string_view piece = vocabulary_.Spelling(id);
  rest_.erase(0, piece.size());
  Take(piece);
  return id;
}

double WireStyleProbability(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0 && !IsBreak(text[begin - 1])) --begin;
  const std::string_view segment = text.substr(begin);
  const bool fresh = segment.empty() && (begin == 0 || text[begin - 1] == '.' || text[begin - 1] == '\n');
  const bool in_marker =
      !segment.empty() && std::any_of(std::begin(kMarkers), std::end(kMarkers), [&](std::string_view marker) {
        return marker.size() > segment.size() && marker.starts_with(segment);
      });
  return fresh || in_marker ? 0.98 : 0.02;
}

}  // namespace tessy
