#pragma once

#include <algorithm>
#include <string_view>

namespace tessy {

// Blanks of ASCII, as markup and lines have them.
inline constexpr std::string_view kBlanks = " \t\r\n";

// The text without the blanks at its begin and its end; empty if it holds nothing else. Pure.
constexpr std::string_view WithoutBlanksAround(std::string_view text) {
  const size_t begin = std::min(text.size(), text.find_first_not_of(kBlanks));
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace tessy
