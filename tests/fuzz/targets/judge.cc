// Responses and expected answers: the response, a record separator, the expected answer.
#include "fuzz/target.h"
#include "judge/answer.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto [answer, expected] = InTwo(input);
  const AnswerVerdict verdict = JudgeAnswer(answer, expected);
  const AnswerVerdict marked =
      JudgeAnswer(answer, expected, {.marked_only = true, .tolerances = {0.01, 0.1}});
  JudgeAnswer(expected, answer);
  const AnswerVerdict again = JudgeAnswer(answer, expected);
  Require(again.right == verdict.right && again.extracted == verdict.extracted,
          "a judgement does not depend on those before");
  Note(std::string(verdict.right ? "right" : "wrong") + (verdict.extracted.empty() ? "" : " named") +
       (marked.right ? " marked" : "") + (expected.empty() ? " none" : ""));
}

const Registration kRegistered(
    {.name = "judge",
     .grammar = kMath,
     .seeds = {"<think>\nhm\n</think>\nSo the answer is \\boxed{\\frac{1}{2}}.\x1E\\dfrac12",
               "The answer is **3 km**.\x1E"
               "3",
               "Answer: (C)\x1E"
               "C",
               "#### 1,234\x1E"
               "1234",
               "x = 5 and y = 6\x1E(5, 6)", "\\boxed{x \\in [0, 1) \\cup (2, 3]}\x1E[0,1)",
               "4 1 7\x1E"
               "4 1 7",
               "$\\sqrt{2}+1$\x1E"
               "1+2^{1/2}",
               "\\boxed{\\{1,2\\}} or \\boxed{3}\x1E"
               "1,2,3",
               "Yes, because\x1Eyes",
               "twelve\x1E"
               "12"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
