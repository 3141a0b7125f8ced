#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tessy {

// Is a final answer right? For problems whose answer is short enough to compare (method, section 11: AIME,
// OlympiadBench, GPQA; code is judged by running it, which this does not do). What is expected decides what
// is looked for:
//   one capital letter A … J    a choice: the last \boxed{C}, "(C)", "answer is C" or letter standing alone
//   numbers ("8", "3/4", "4 1 7")   as many numbers, the last of the answer, equal by value
//   anything else               the last \boxed{…}, or the last line, equal but for spaces, case and a full
//   stop
// A \boxed{…} wins over what stands around it. Pure.
bool IsRightAnswer(std::string_view answer, std::string_view expected);

// What would be compared, for people; empty if the answer holds no such thing.
std::string ExtractAnswer(std::string_view answer, std::string_view expected);

// The expected answer of a question, from its row's "answer" field: a text or a number. None without one.
std::optional<std::string> ExpectedAnswer(std::string_view source_json);

}  // namespace tessy
