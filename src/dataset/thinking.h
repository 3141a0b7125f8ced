#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// What a model thought before it answered.
struct Thinking {
  std::string trace_id;
  std::string text;
  size_t line = 0;  // of its file, from 1

  bool operator==(const Thinking&) const = default;
};

struct Thinkings {
  std::vector<Thinking> thinkings;
  std::vector<BadLine> bad_lines;  // those passed over
};

// The thinking of an assistant's content: what stands before the first </think>, without a <think> that opens
// it (templates that open it themselves leave it out). Empty where there is no </think>. Pure.
std::string_view ThinkingOf(std::string_view content);

// Reads JSON lines of responses: ours, and whatever has its assistant's last turn in `messages`, `dialogs`
// ({role, content}), `conversations` ({from, value}), `output`, `response` or `content` (texts); or its
// thinking apart, in `reasoning_content` of that turn or of the row. The id is `id`, `id_ddm`, or the hash of
// the line. A line without thinking, or that cannot be read, is an error that names it, or with
// skip_bad_lines is listed. Two rows with one id are an error. `path` "-" is standard input.
Result<Thinkings> ReadThinkings(const std::string& path, bool skip_bad_lines);

}  // namespace tessy
