#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessy {

// Which part of an answer is the program. The rules are those of the official graders, to the byte.
enum class CodeRule : uint8_t {
  // LiveCodeBench (lcb_runner 28fef95): the lines between the last two lines that hold ```.
  kLastFence,
  // OpenCompass's first extractor of LiveCodeBench: the lines between the first two such lines.
  kFirstFence,
  // LiveCodeBench-Pro (d614eef): the last block that ```cpp opens and that holds "#include"; else the last
  // "int main(" to the brace that closes it, from the nearest lines of #include above it.
  kCppProgram,
  // OJBench (5e94480): what follows the last "```cpp" (or "```python") with its line break, up to a line that
  // begins with ```; all of the text if there is no such fence. Where "def main():" and "main()" stand once,
  // a call
  // is added.
  kOjBenchCpp,
  kOjBenchPython,
};

// The program in an answer, without its thinking (AfterThinking); empty if there is none. Pure, takes any
// bytes, in time proportional to them.
std::string CodeIn(std::string_view answer, CodeRule rule);

}  // namespace tessy
