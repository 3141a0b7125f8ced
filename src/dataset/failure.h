#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// A sample that failed for good (a line of failures.jsonl), or a window that was rejected (of
// rejected.jsonl).
struct Failure {
  std::string id;                       // of the question, or of the window
  std::optional<uint32_t> sample = {};  // of the question; a window has none
  std::string reason = {};              // of the last attempt
  uint64_t attempts = 0;
  std::vector<std::string> reasons = {};  // of each attempt
  uint64_t failed_attempts_tokens = 0;    // that the attempts cost
  // The last characters that the last attempt wrote; none in the lines of programs that did not record them.
  std::optional<std::string> text_end = {};
};

// The id as people see it: "question/sample", or that of the window.
std::string NameOf(const Failure& failure);

// The most characters of a failed attempt that its line quotes.
inline constexpr size_t kFailedTextCharacters = 500;

// The line of a sample without its newline; bytes that are not UTF-8 are replaced. `failure.sample` has a
// value.
std::string ToJsonLine(const Failure& failure);

// Reads a line of either file. kInvalidData: it names neither a sample nor a window. Everything else may be
// missing, because people and older programs leave fields out.
Result<Failure> ParseFailure(std::string_view line);

}  // namespace tessy
