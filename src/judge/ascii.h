#pragma once

#include <string>
#include <string_view>

namespace tessy {

// Kinds of ASCII characters, as the readers of answers need them: independent of the locale.
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// The text with its ASCII letters in lower case.
inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The text with `by` in all places of `what`, which is not empty.
inline std::string Replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out(text);
  for (size_t at = out.find(what); at != std::string::npos; at = out.find(what, at + by.size())) {
    out.replace(at, what.size(), by);
  }
  return out;
}

// Whether the word is one of the list.
template <size_t kCount>
bool Holds(const std::string_view (&words)[kCount], std::string_view word) {
  for (const std::string_view one : words) {
    if (one == word) return true;
  }
  return false;
}

}  // namespace tessy
