#include "base/words.h"

#include "base/utf8.h"

namespace tessy {

std::vector<ByteRange> WordsOf(std::string_view text) {
  std::vector<ByteRange> words;
  bool open = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = FirstCodePoint(text.substr(at));
    if (IsWhitespace(c.value)) {
      open = false;
    } else if (IsSpacelessScript(c.value)) {
      words.push_back({.start = at, .end = at + c.bytes});
      open = false;
    } else if (open) {
      words.back().end = at + c.bytes;
    } else {
      words.push_back({.start = at, .end = at + c.bytes});
      open = true;
    }
    at += c.bytes;
  }
  return words;
}

}  // namespace tessy
