#include "judge/answer_words.h"

#include <algorithm>
#include <cstddef>

#include "judge/ascii.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

// Words in \text that turn the meaning of the number beside them.
bool SaysNot(std::string_view words) {
  const std::string folded = Folded(words);
  for (const std::string_view word : {"not", "except", "lessthan", "morethan", "atleast", "atmost", "no"}) {
    if (folded.starts_with(word)) return true;
  }
  return false;
}

}  // namespace

std::string WithoutBlanks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    // 4 1 7 is not 417.
    const bool parts_numbers =
        !out.empty() && IsDigit(out.back()) && i + 1 < text.size() && IsDigit(text[i + 1]);
    if (text[i] != ' ' || parts_numbers) out += text[i];
  }
  return out;
}

std::string WithoutBraces(std::string text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool single = text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' &&
                        (IsLetter(text[i + 1]) || IsDigit(text[i + 1])) &&
                        (i == 0 || text[i - 1] == '_' || text[i - 1] == '^');
    if (single) {
      out += text[i + 1];
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool IsWordLike(std::string_view text) {
  if (text.find("\\text{") != std::string_view::npos) return true;
  size_t letters = 0;
  bool vowel = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if (static_cast<unsigned char>(c) >= 0x80) return true;
    if (c == '\\') {
      while (i + 1 < text.size() && IsLetter(text[i + 1])) ++i;
      letters = 0;
      vowel = false;
    } else if (IsLetter(c)) {
      ++letters;
      vowel = vowel || std::string_view("aeiouyAEIOUY").find(c) != std::string_view::npos;
    } else {
      if (letters >= 3 && vowel) return true;
      letters = 0;
      vowel = false;
    }
  }
  const std::string folded = Folded(text);
  return folded == "no" || folded == "ok";
}

std::string_view WithoutWordsBefore(std::string_view text) {
  constexpr std::string_view kWords = "\\text{";
  if (!text.starts_with(kWords)) return text;
  const size_t end = text.find('}');
  if (end == std::string_view::npos) return text;
  const std::string_view rest = Trimmed(text.substr(end + 1));
  const bool number =
      !rest.empty() && (IsDigit(rest[0]) || rest[0] == '-' || rest[0] == '\\' || rest[0] == '.');
  return number && !SaysNot(text.substr(kWords.size(), end - kWords.size())) ? rest : text;
}

std::string_view WithoutOuterBraces(std::string_view text) {
  text = Trimmed(text);
  while (text.size() > 2 && text.front() == '{' && text.back() == '}') {
    int depth = 0;
    size_t at = 0;
    for (; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth == 0) break;
    }
    if (at + 1 < text.size()) break;
    text = Trimmed(text.substr(1, text.size() - 2));
  }
  return text;
}

std::string_view WithoutEnd(std::string_view text) {
  text = Trimmed(text);
  while (!text.empty() && (text.back() == '.' || text.back() == ',' || text.back() == ';' ||
                           text.back() == '*' || text.back() == '`' || text.back() == ':')) {
    text = Trimmed(text.substr(0, text.size() - 1));
  }
  while (!text.empty() && (text.front() == '*' || text.front() == '`' || text.front() == ':')) {
    text = Trimmed(text.substr(1));
  }
  return WithoutOuterBraces(text);
}

std::string_view WithoutModulus(std::string_view text) {
  const size_t at = std::min(text.find("\\text{(mod"), text.find("(mod "));
  return at == std::string_view::npos || at == 0 ? text : text.substr(0, at);
}

std::string WithoutMarks(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.substr(at).starts_with("<|") ? text.find("|>", at) : std::string_view::npos;
    if (end != std::string_view::npos && end - at < 40) {
      at = end + 2;
    } else if (text.substr(at).starts_with("**") && at > 0 && at + 2 < text.size() &&
               std::string_view(" \n.,:").find(text[at + 2]) == std::string_view::npos &&
               IsDigit(text[at - 1])) {
      out += '^';  // a power, as programs write it
      at += 2;
    } else if (text.substr(at).starts_with("**")) {
      at += 2;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace tessy
