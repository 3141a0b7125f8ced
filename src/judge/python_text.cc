#include "judge/python_text.h"

#include <cstddef>

#include "base/utf8.h"

namespace tessy {

bool IsPythonSpace(char32_t c) { return (c >= 0x1C && c <= 0x1F) || IsWhitespace(c); }

std::string_view PythonStripped(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = FirstCodePoint(text);
    if (!IsPythonSpace(first.value)) break;
    text.remove_prefix(first.bytes);
  }
  while (!text.empty()) {
    const CodePoint last = LastCodePoint(text);
    if (!IsPythonSpace(last.value)) break;
    text.remove_suffix(last.bytes);
  }
  return text;
}

std::vector<std::string_view> PythonWords(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const CodePoint c = byte < 0x80 ? CodePoint{byte, 1} : FirstCodePoint(text.substr(at));
    if (IsPythonSpace(c.value)) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = at + c.bytes;
    }
    at += c.bytes;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

std::vector<std::string_view> PythonLines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace tessy
