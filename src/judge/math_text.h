#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The text of an answer in one plain form, whoever wrote it: LaTeX, Unicode or a keyboard. What only dresses
// the answer goes (\left, \displaystyle, spacing, $, \boxed and the fonts, with their content kept); what is
// written in several ways is written in one:
//   signs       − – ‐ {-} are -, × \cdot \times are *, ÷ is /, ≤ \leqslant are <=, fullwidth letters are
//   plain fractions   \dfrac \tfrac \cfrac are \frac; ½ is \frac12 percent     \% and "percent" are %;
//   degrees: ° and "degrees" are ^\circ thousands   1{,}234, 1\,234, 1 234 and, outside brackets, 1,234 are
//   1234 (1,23 and 12,34,5 stay, and so does 100 200, which may be two numbers) text        \text{and},
//   "and", "or", 、are a comma; \text{12} is 12; other words are \text{words}
// Pure; takes any bytes, and time in proportion to them.
std::string PlainMath(std::string_view text);

// As PlainMath, without joining thousands that a comma parts: what such an answer is when it is a list.
std::string PlainMathWithCommas(std::string_view text);

// The unit that the text ends with, in the spelling that is compared ("km" for "kilometres"), and the text
// before it. An empty name: there is none, or it is one that is not known.
struct MathUnit {
  std::string_view rest;
  std::string name;
  bool found = false;
};
// A unit is a known one after something else (a single letter only after a blank: 12 m, not 2m), or any words
// in \text after a number. Percent and degrees are no units. `text` as PlainMath leaves it.
MathUnit TakeUnit(std::string_view text);

// The pieces of a text that stand between separators outside all brackets and \text; at least one.
std::vector<std::string_view> SplitOutside(std::string_view text, std::string_view separator);

std::string_view Trimmed(std::string_view text);
// Lower case for ASCII, without blanks; the words alone where they stand in \text.
std::string Folded(std::string_view text);

}  // namespace tessy
