#pragma once

#include <string>
#include <string_view>

namespace tessy {

// Small readings of an answer's text. WithoutMarks takes it as it came, the others as PlainMath leaves it.
// All pure.

// Without bold and the marks of a model's turn (<|im_end|>); 2**3 is 2^3.
std::string WithoutMarks(std::string_view text);
// Those between two numbers stay.
std::string WithoutBlanks(std::string_view text);
// x_{1} and x_1 are one name, 2^{n} and 2^n one power, {1} is 1.
std::string WithoutBraces(std::string text);
// Letters that are words and no product of names: "yes", "Alice", "no solution".
bool IsWordLike(std::string_view text);
// Without the marks and signs of a sentence around it.
std::string_view WithoutEnd(std::string_view text);
// Braces around all of it: {1}, {{1}}.
std::string_view WithoutOuterBraces(std::string_view text);
// \text{The answer is } 12: words before a number are dropped.
std::string_view WithoutWordsBefore(std::string_view text);
// 116 \pmod{1000} is gone already; 116 (mod 1000) in words says no more.
std::string_view WithoutModulus(std::string_view text);

}  // namespace tessy
