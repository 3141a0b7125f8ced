#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace tessy {

// A run of bytes of a text, end exclusive.
struct ByteRange {
  size_t start = 0;
  size_t end = 0;

  bool operator==(const ByteRange&) const = default;
};

// The words of a text. A word is a run of characters without whitespace; in scripts that are written without
// spaces every character is a word. Pure.
std::vector<ByteRange> WordsOf(std::string_view text);

}  // namespace tessy
