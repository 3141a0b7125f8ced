#include "boundary/lexicon/marking.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace tessy {
namespace {

// The offset at which a cut after the word may fall: before the space, but after newlines (method, section
// 5).
size_t PlaceAfter(std::string_view text, size_t word_end) {
  size_t place = word_end;
  while (place < text.size() && (text[place] == '\n' || text[place] == '\r')) ++place;
  return place;
}

void Append(std::vector<ByteRange>& spans, ByteRange words, bool follows) {
  if (follows) {
    spans.back().end = words.end;
  } else {
    spans.push_back(words);
  }
}

bool IsNumber(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<ByteRange> MarkStyle(const Lexicon& lexicon, std::string_view thinking) {
  std::vector<ByteRange> spans;
  std::vector<ByteRange> open;  // words that may still become a marker
  bool follows = false;         // the word before `open` ends the last span
  Lexicon::Place place = lexicon.PlaceAfter("");
  for (const ByteRange& word : WordsOf(thinking)) {
    const Lexicon::Place before =
        std::exchange(place, lexicon.PlaceAfter(thinking.substr(0, PlaceAfter(thinking, word.end))));
    if (!before.next_is_style || (before.ends_sentence && !open.empty())) {
      open.clear();
      follows = false;
    }
    if (!before.next_is_style) continue;
    open.push_back(word);
    if (!place.ends_in_marker) continue;
    Append(spans, {.start = open.front().start, .end = word.end}, follows);
    open.clear();
    follows = true;
  }
  return spans;
}

Result<Phrases> Phrases::Parse(std::string_view lines, std::string_view origin) {
  Phrases phrases;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    std::vector<std::string> words;
    for (const ByteRange& word : WordsOf(line))
      words.emplace_back(line.substr(word.start, word.end - word.start));
    if (!words.empty()) phrases.phrases_.push_back(std::move(words));
  }
  if (phrases.phrases_.empty()) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: holds no phrase; write one a line", origin));
  }
  std::stable_sort(phrases.phrases_.begin(), phrases.phrases_.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return phrases;
}

std::vector<ByteRange> Phrases::Mark(std::string_view text) const {
  const auto words = WordsOf(text);
  const auto stands_at = [&](const std::vector<std::string>& phrase, size_t first) {
    if (first + phrase.size() > words.size()) return false;
    for (size_t i = 0; i < phrase.size(); ++i) {
      const ByteRange& place = words[first + i];
      const std::string_view word = text.substr(place.start, place.end - place.start);
      if (phrase[i] == "#" ? !IsNumber(word) : word != phrase[i]) return false;
    }
    return true;
  };
  std::vector<ByteRange> spans;
  bool follows = false;
  for (size_t at = 0; at < words.size();) {
    const auto found = std::find_if(phrases_.begin(), phrases_.end(),
                                    [&](const auto& phrase) { return stands_at(phrase, at); });
    if (found != phrases_.end()) {
      Append(spans, {.start = words[at].start, .end = words[at + found->size() - 1].end}, follows);
    }
    follows = found != phrases_.end();
    at += follows ? found->size() : 1;
  }
  return spans;
}

}  // namespace tessy
