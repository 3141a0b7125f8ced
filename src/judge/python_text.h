#pragma once

#include <string_view>
#include <vector>

namespace tessy {

// Text as Python's str methods see it, for graders whose rules are Python's. The text is UTF-8; bytes that
// are not are no blanks. Everything here is pure and refers to the text given.

// True for what str.isspace holds of: Unicode's White_Space and the separators U+001C … U+001F.
bool IsPythonSpace(char32_t c);

// str.strip().
std::string_view PythonStripped(std::string_view text);

// str.split(): the words between blanks.
std::vector<std::string_view> PythonWords(std::string_view text);

// str.split("\n"): always at least one line.
std::vector<std::string_view> PythonLines(std::string_view text);

}  // namespace tessy
