#pragma once

#include <cstdint>
#include <string_view>

namespace tessy {

// The letter of an expected answer that is a choice: one of A … J in capitals, in any dressing ("C", "(C)",
// "\text{(C)}", "**C**", "\boxed{C}", "C."); '\0' if it is none. Pure.
char ChoiceOf(std::string_view expected);

enum class ChoiceRule : uint8_t {
  // As benchmarks ask (GPQA): the last line "Answer: X", else the last box, else "answer is X", else a text
  // that is one letter.
  kMarked,
  // Where there is none of these, the last letter that stands alone, too.
  kAnywhere,
};

// The choice that a text makes, in capitals; '\0' if it makes none. Letters go up to `last`; either case
// counts where the text marks the choice. Markdown, LaTeX and fullwidth letters are free. Two letters joined
// by a comma, a slash, "or" or "and" are no choice; neither is a letter that begins a word ("Because"). Where
// the text has an "Answer:", nothing but a box counts beside it.
char ChoiceIn(std::string_view text, char last, ChoiceRule rule);

}  // namespace tessy
