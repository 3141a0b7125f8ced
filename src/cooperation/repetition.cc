#include "cooperation/repetition.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/utf8.h"

namespace tessy {
namespace {

constexpr size_t kFragmentWordsMin = 3;
constexpr size_t kFragmentWordsMax = 50;
constexpr size_t kRepetitions = 8;
constexpr size_t kWordsMax = kFragmentWordsMax * kRepetitions + 1;  // and one word that is cut short
constexpr size_t kBytesMax = size_t{64} * 1024;                     // words can be as long as they like

using Words = std::span<const std::string_view>;  // the last word first

bool GoesOnWord(char32_t c) { return !IsWhitespace(c) && !IsSpacelessScript(c); }

template <class Predicate>
void RemoveSuffixWhile(std::string_view& text, Predicate holds) {
  while (!text.empty()) {
    const CodePoint last = LastCodePoint(text);
    if (!holds(last.value)) return;
    text.remove_suffix(last.bytes);
  }
}

// Removes the last word and the whitespace after it from `text` and returns the word; empty if there is
// none.
std::string_view TakeLastWord(std::string_view& text) {
  RemoveSuffixWhile(text, IsWhitespace);
  std::string_view before = text;
  RemoveSuffixWhile(before, GoesOnWord);
  if (before.size() == text.size()) before.remove_suffix(LastCodePoint(text).bytes);
  const std::string_view word = text.substr(before.size());
  text = before;
  return word;
}

std::vector<std::string_view> LastWords(std::string_view text) {
  const bool shortened = text.size() > kBytesMax;
  if (shortened) text.remove_prefix(text.size() - kBytesMax);
  std::vector<std::string_view> words;
  words.reserve(kWordsMax);
  while (words.size() < kWordsMax) {
    const std::string_view word = TakeLastWord(text);
    const bool cut_in_front = shortened && text.empty();
    if (word.empty() || cut_in_front) break;
    words.push_back(word);
  }
  return words;
}

bool HasWordCharacter(std::string_view word) {
  for (; !word.empty(); word.remove_prefix(FirstCodePoint(word).bytes)) {
    if (IsWordCharacter(FirstCodePoint(word).value)) return true;
  }
  return false;
}

bool RepeatsEvery(size_t period, Words words) {
  if (words.size() < period * kRepetitions) return false;
  const Words compared = words.first(period * (kRepetitions - 1));
  if (!std::equal(compared.begin(), compared.end(), words.begin() + static_cast<ptrdiff_t>(period)))
    return false;
  const Words fragment = words.first(period);
  return std::any_of(fragment.begin(), fragment.end(), HasWordCharacter);
}

}  // namespace

bool EndsInLoop(std::string_view text) {
  text.remove_suffix(IncompleteTail(text));
  const std::vector<std::string_view> found = LastWords(text);
  const Words words = found;
  if (words.empty()) return false;
  for (size_t period = kFragmentWordsMin; period <= kFragmentWordsMax; ++period) {
    if (RepeatsEvery(period, words)) return true;
    // A last word that is only begun must begin the word that stands a whole fragment before it.
    const bool maybe_begun = period < words.size() && words[period].starts_with(words[0]);
    if (maybe_begun && RepeatsEvery(period, words.subspan(1))) return true;
  }
  return false;
}

}  // namespace tessy
