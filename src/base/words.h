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

// The words of a text: runs without whitespace; in scripts written without spaces every character is one.
// Pure.
std::vector<ByteRange> WordsOf(std::string_view text);

}  // namespace tessy
