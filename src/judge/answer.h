#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tessy {

// True if a final answer is right. For problems whose answer is short enough to compare (method, section 11:
// AIME, OlympiadBench, GPQA); code must be judged by running it, which this function does not do. The form
// of the expected answer decides what is looked for:
// - one capital letter A … J: a choice. The last \boxed{C}, "(C)", "answer is C" or single letter counts.
// - numbers ("8", "3/4", "4 1 7"): as many numbers, the last ones of the answer, equal by value.
// - anything else: the last \boxed{…}, or the last line; equal except for spaces, case and a full stop.
// A \boxed{…} takes precedence over the text around it. Pure.
bool IsRightAnswer(std::string_view answer, std::string_view expected);

// The part of the answer that IsRightAnswer compares, for people; empty if the answer has no such part.
std::string ExtractAnswer(std::string_view answer, std::string_view expected);

// The expected answer of a question, from the "answer" field of its row: a text or a number. Empty without
// such a field.
std::optional<std::string> ExpectedAnswer(std::string_view source_json);

}  // namespace tessy
