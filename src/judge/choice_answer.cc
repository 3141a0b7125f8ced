#include "judge/choice_answer.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>

#include "judge/ascii.h"
#include "judge/final_answer.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

// Bytes of other scripts continue words as letters do.
bool ContinuesWord(char c) {
  return IsLetter(c) || IsDigit(c) || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
}
char Upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes off what may stand before the letter: brackets, quotes, LaTeX's fonts, "option". A few rounds are
// enough for what people write, and bound the time.
std::string_view WithoutPrefix(std::string_view text) {
  constexpr std::string_view kPrefixes[] = {"\\boxed",  "\\fbox",   "\\text", "\\textbf", "\\textrm",
                                            "\\mathrm", "\\mathbf", "\\(",    "\\[",      "option ",
                                            "Option ",  "choice ",  "Choice "};
  for (int round = 0; round < 12; ++round) {
    const size_t before = text.size();
    while (!text.empty() &&
           (IsBlank(text[0]) || std::string_view("$({['\"").find(text[0]) != std::string_view::npos)) {
      text.remove_prefix(1);
    }
    for (const std::string_view prefix : kPrefixes) {
      const bool whole = text.size() > prefix.size() &&
                         (prefix[0] != '\\' || !IsLetter(prefix.back()) || !IsLetter(text[prefix.size()]));
      if (text.starts_with(prefix) && whole) text.remove_prefix(prefix.size());
    }
    if (text.size() == before) break;
  }
  return text;
}

// True if another letter is joined to the one that has just been read: "A, B", "A/C", "A or B".
bool IsJoined(std::string_view rest, char last) {
  while (!rest.empty() &&
         (IsBlank(rest[0]) || std::string_view(")]}$").find(rest[0]) != std::string_view::npos)) {
    rest.remove_prefix(1);
  }
  bool joined = false;
  for (const std::string_view joiner : {",", "/", "&", "or ", "and ", "OR ", "AND "}) {
    if (!rest.starts_with(joiner)) continue;
    rest.remove_prefix(joiner.size());
    joined = true;
    break;
  }
  if (!joined) return false;
  rest = WithoutPrefix(rest);
  if (rest.starts_with("or ")) rest = WithoutPrefix(rest.substr(3));
  if (rest.starts_with("and ")) rest = WithoutPrefix(rest.substr(4));
  if (rest.empty() || rest[0] < 'A' || rest[0] > last) return false;
  return rest.size() == 1 || !ContinuesWord(rest[1]);
}

// The choice at the begin of the text.
char ChoiceAt(std::string_view text, char last) {
  text = WithoutPrefix(text);
  if (text.empty()) return '\0';
  const char letter = Upper(text[0]);
  if (letter < 'A' || letter > last) return '\0';
  const std::string_view rest = text.substr(1);
  if (!rest.empty() && ContinuesWord(rest[0]) && rest[0] != '\'') return '\0';
  // "a mixture": the article.
  if (text[0] == 'a' && rest.size() > 1 && rest[0] == ' ' && IsLetter(rest[1])) return '\0';
  return IsJoined(rest, last) ? '\0' : letter;
}

// The whole text is one letter in its dressing.
char OnlyChoice(std::string_view text, char last) {
  const char letter = ChoiceAt(Trimmed(text), last);
  if (letter == '\0') return '\0';
  const auto letters =
      std::count_if(text.begin(), text.end(), [](char c) { return IsLetter(c) || IsDigit(c); });
  if (letters == 1) return letter;
  const std::string plain = PlainMath(text);
  return std::count_if(plain.begin(), plain.end(), [](char c) { return IsLetter(c) || IsDigit(c); }) == 1
             ? letter
             : '\0';
}

// Markdown's marks and quotes say nothing about the choice.
std::string WithoutMarkdown(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '*' && c != '_' && c != '`' && c != '"' && c != '#' && c != '>') plain += c;
  }
  return plain;
}

// What follows the last "answer:"; nothing if there is no such mark. One line may end between.
std::optional<std::string_view> AfterAnswerMark(std::string_view text) {
  constexpr std::string_view kMark = "answer";
  for (size_t at = text.size(); at-- > 0;) {
    if (text[at] != ':') continue;
    size_t end = at;
    while (end > 0 && (IsBlank(text[end - 1]) || text[end - 1] == '\'')) --end;
    if (end < kMark.size()) continue;
    const std::string_view word = text.substr(end - kMark.size(), kMark.size());
    const bool is_mark = std::equal(word.begin(), word.end(), kMark.begin(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    });
    if (!is_mark) continue;
    std::string_view rest = text.substr(at + 1);
    while (!rest.empty() && IsBlank(rest[0])) rest.remove_prefix(1);
    if (!rest.empty() && rest[0] == '\n') rest.remove_prefix(1);
    return rest;
  }
  return std::nullopt;
}

char ChoiceInPhrase(std::string_view text, char last) {
  char choice = '\0';
  for (size_t at = text.find(" is"); at != std::string_view::npos; at = text.find(" is", at + 1)) {
    const std::string_view before = text.substr(at < 6 ? 0 : at - 6, at < 6 ? at : 6);
    if (before != "answer" && before != "Answer") continue;
    std::string_view rest = text.substr(at + 3);
    if (rest.empty() || IsLetter(rest[0])) continue;
    if (rest[0] == ':') rest.remove_prefix(1);
    if (const char found = ChoiceAt(rest, last); found != '\0') choice = found;
  }
  return choice;
}

char LastLetter(std::string_view text, char last) {
  for (size_t i = text.size(); i-- > 0;) {
    if (text[i] < 'A' || text[i] > last) continue;
    const bool alone =
        (i == 0 || !ContinuesWord(text[i - 1])) && (i + 1 == text.size() || !ContinuesWord(text[i + 1]));
    // "I" and "A" are also English words, so that they count only in brackets or at the end.
    const bool is_word = (text[i] == 'I' || text[i] == 'A') && i + 1 < text.size() && text[i + 1] == ' ';
    if (alone && !is_word) return text[i];
  }
  return '\0';
}

}  // namespace

char ChoiceOf(std::string_view expected) {
  const std::string text = WithoutMarkdown(Trimmed(expected));
  if (text.size() > 40) return '\0';
  const char choice = OnlyChoice(text, 'J');
  return choice != '\0' && text.find(choice) != std::string::npos ? choice : '\0';
}

char ChoiceIn(std::string_view text, char last, ChoiceRule rule) {
  const std::string plain = WithoutMarkdown(WithPlainWidth(text));
  const auto marked = AfterAnswerMark(plain);
  if (const char choice = marked ? ChoiceAt(*marked, last) : '\0'; choice != '\0') return choice;
  if (const auto box = LastBox(plain)) return ChoiceAt(Trimmed(*box), last);
  if (marked) return '\0';
  if (const char phrase = ChoiceInPhrase(plain, last); phrase != '\0') return phrase;
  if (const char only = OnlyChoice(plain, last); only != '\0') return only;
  return rule == ChoiceRule::kAnywhere ? LastLetter(plain, last) : '\0';
}

}  // namespace tessy
