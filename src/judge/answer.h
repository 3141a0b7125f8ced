#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// How an answer is found and compared, where it is not as everywhere.
struct ComparisonRules {
  // Benchmarks whose prompts ask for a box or for "Answer: X" count nothing else: no number, sentence or line
  // that stands outside it.
  bool marked_only = false;
  // Absolute, in place of 1e-8: one for all numbers, or one for each item of an expected list (the field
  // `error` of OlympiadBench's rows).
  std::vector<double> tolerances = {};
};

struct AnswerVerdict {
  bool right = false;
  std::string extracted;  // what was compared, as the answer writes it; empty if the answer names nothing
};

// Judges a final answer that is short enough to compare (method, section 11: AIME, OlympiadBench, GPQA);
// code must be judged by running it, which this function does not do. Both sides are put into one form
// (answer_form.h). The form of the expected answer decides what is looked for:
// - one capital letter A … J, in any dressing: a choice, see ChoiceIn.
// - numbers with blanks between them ("4 1 7"): as many numbers, the last ones of the answer, in order.
// - anything else: the last closed \boxed{…}, or what an "Answer: X" after it names. Without a box: what
//   follows "####"; what the last sentence of the kind "the answer is X", or a bold number, names; only then
//   the last numbers, where numbers are expected, or the last line.
// An expected answer may be a whole solution: what follows "####", or its last box, counts (GSM8K, MATH).
// What follows the last </think> is judged; an answer with a <think> that does not end is wrong.
// Pure; takes any bytes, and a bounded time to compare (see MathWork).
AnswerVerdict JudgeAnswer(std::string_view answer, std::string_view expected,
                          const ComparisonRules& rules = {});

bool IsRightAnswer(std::string_view answer, std::string_view expected);         // JudgeAnswer(…).right
std::string ExtractAnswer(std::string_view answer, std::string_view expected);  // JudgeAnswer(…).extracted

// The expected answer of a question, from the "answer" field of its row: a text, a number (with all its
// digits), or a list of one of these. kNotFound: there is no such field, or it is null. kInvalidData: it has
// a shape that cannot be compared (empty, a list of several, an object, true or false). The messages begin
// with "has" and name no file.
Result<std::string> ExpectedAnswer(std::string_view source_json);

}  // namespace tessy
