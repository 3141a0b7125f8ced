#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// Where a response says its answer. Everything here is pure, takes any bytes, and takes time in proportion to
// them.

// The answer of a response: what follows the last </think> and the blanks behind it; all of it where there is
// no thinking. Nothing where a <think> has no end: the response was cut off, and says nothing. A view of the
// response.
std::optional<std::string_view> AfterThinking(std::string_view response);

// The text after the last </think>, without marks of a model's turn (<|im_end|>). Nothing where a <think> has
// no end: the response was cut off, and says nothing.
std::optional<std::string> TextAfterThinking(std::string_view response);

// The content of the last closed \boxed{…} or \fbox{…} (also \boxed 5), the outermost of nested ones; the
// contents of several that are joined by no more than "," "and" "or" are one list. Nothing if no box closes.
std::optional<std::string> LastBox(std::string_view text);

// GSM8K's form: what follows the last "####", on the last line.
std::optional<std::string> AfterHashes(std::string_view text);

// The answer that the text names without a box: the text after the last "answer is", "answer:" (or a line
// that ends so); else a bold number or equation of the last paragraph ("travels **180 kilometres** in 3
// hours"). To the end of the sentence; if it holds a formula between $ or something bold, that alone.
std::optional<std::string> NamedAnswer(std::string_view text);

// The answer that the text names by such a mark after its last closed box; nothing without a box.
std::optional<std::string> NamedAfterBox(std::string_view text);

// The numbers of a text, as they are written: -3, 1,250, 0.5, .5, 3/4, \frac{3}{4}, 1.5\times 10^{-3}, 50\%.
// A minus sign belongs to a number unless something stands right before it ("5-3").
std::vector<std::string> NumbersIn(std::string_view text);

std::string_view LastLine(std::string_view text);
// The last formula between $, or in \( \), of the last line that has text; the line without one.
std::string LastFormula(std::string_view text);

// Fullwidth letters, digits and signs in their plain form (a part of Unicode's NFKC).
std::string WithPlainWidth(std::string_view text);

}  // namespace tessy
