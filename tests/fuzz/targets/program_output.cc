// What programs print and return, beside what is expected: two texts with a record separator between them.
#include <string>

#include "fuzz/target.h"
#include "judge/code_extraction.h"
#include "judge/output_compare.h"
#include "judge/value_compare.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto [output, expected] = InTwo(input);
  for (const auto rule : {OutputRule::kLines, OutputRule::kWords, OutputRule::kFloats}) {
    const OutputVerdict verdict = CompareOutput(output, expected, rule);
    Require(verdict.right == verdict.reason.empty(), "a wrong output has a reason, and a right one none");
    Require(verdict.reason.find('\n') == std::string::npos, "a reason is one line");
    Require(CompareOutput(expected, output, OutputRule::kWords).right ==
                CompareOutput(output, expected, OutputRule::kWords).right,
            "words are the same from both sides");
    Note(verdict.right ? "right" : "wrong");
  }
  Require(CompareOutput(output, output, OutputRule::kLines).right, "a text is the same as itself");
  const auto values = CompareValues(output, expected);
  const auto swapped = CompareValues(expected, output);
  if (values && swapped) Require(values->right == swapped->right, "values are the same from both sides");
  Note(values ? (values->right ? "same" : "other") : "a broken test");
  for (const auto rule :
       {CodeRule::kLastFence, CodeRule::kFirstFence, CodeRule::kCppProgram, CodeRule::kOjBenchPython}) {
    Require(CodeIn(input, rule).size() <= input.size() + 7, "a program is part of the answer");
  }
}

const Registration kRegistered(
    {.name = "program_output",
     .grammar = kJson,
     .seeds = {"1 2\n3\x1E"
               "1 2.0\n3",
               "1e3\x1E"
               "1000",
               "[1, {\"a\": true}]\x1E[1.0, {\"a\": 1}]", "NaN\x1ENaN", "\"\\ud83d\\ude00\"\x1E\"x\"",
               "```cpp\n#include <x>\nint main() {}\n```\x1E", "int main() { { }\x1E#include",
               "```python\ndef main():\n  pass\n```\x1E"
               "1_0"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
