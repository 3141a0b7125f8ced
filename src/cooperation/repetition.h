#pragma once

#include <cstdint>
#include <string_view>

namespace tessy {

// A text under way is checked for loops each time so many more tokens are kept (method, section 7).
inline constexpr uint32_t kRepetitionCheckTokens = 64;

// True if the text ends in a loop: a fragment of 3 to 50 words that is repeated 8 times or more in a row up
// to the end of the text (method, section 7, "What makes a sample fail"). A word is a run of characters
// without whitespace; in scripts without spaces every character counts as a word. Fragments without a letter
// or digit (rulers of dashes, table borders) do not count. The last repetition may be cut short inside its
// last word. Pure. It looks at no more than the last 50 · 8 + 1 words and the last 64 KiB, so the cost does
// not grow with the text.
bool EndsInLoop(std::string_view text);

}  // namespace tessy
