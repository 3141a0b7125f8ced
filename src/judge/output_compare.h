#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessy {

// Comparing what a program printed with what the test expects. Everything here is pure, takes any
// bytes, and takes time in proportion to them.

enum class OutputRule : uint8_t {
  // LiveCodeBench's rule for standard input and output. Both texts are stripped and split at line feeds, and
  // the
  // lines are stripped (Python's blanks). As many lines; each pair is the same text, or both are words that
  // are
  // all decimals and are equal as exact numbers: 1.0 is 1, there is no tolerance, and case counts.
  kLines,
  // DMOJ's checker `standard`: the same words, with line breaks between the same words. How many blanks or
  // empty lines stand between them is free, as is what stands before the first and after the last word.
  kWords,
  // DMOJ's checker `floats`: as many lines that are not empty, as many words on each; where the expected word
  // is
  // a number, the other is one within the tolerance, absolute or relative to the expected one; else the words
  // are the same. NaN and infinity equal nothing.
  kFloats,
};

struct OutputVerdict {
  bool right = false;
  std::string reason = {};  // one line that says where the two differ; empty if right
};

// `tolerance` is that of kFloats.
OutputVerdict CompareOutput(std::string_view output, std::string_view expected, OutputRule rule,
                            double tolerance = 1e-6);

}  // namespace tessy
