#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/question.h"

namespace tessy {

// The thinking of one response.
struct Thinking {
  std::string trace_id;
  std::string text;
  size_t line = 0;  // its line in the file, from 1

  bool operator==(const Thinking&) const = default;
};

struct Thinkings {
  std::vector<Thinking> thinkings;
  std::vector<BadLine> bad_lines;  // the lines that were skipped
};

// The thinking in an assistant's content: the text before the </think> that ends it, without the <think> that
// opens it (which is missing where the template writes it). Of several </think>, the first that stands alone
// on its line ends the thinking, else the last. Other pairs of marks that are read: <|begin_of_thought|> and
// <|end_of_thought|> (OpenThoughts), <seed:think>, [THINK], <thinking>, <thought>. Empty if there is no mark
// that closes. Pure.
std::string_view ThinkingOf(std::string_view content);

// Reads JSON lines of responses: our own, and any others that have the assistant's last turn in `messages`,
// `dialogs` ({role, content}), `conversations` ({from, value}), `output`, `response`, `content`, `completion`
// or `generation` (texts, text parts, or turns), or that have the thinking apart, in `reasoning_content`,
// `reasoning` or `thinking` of that turn or of the row. In our own the spans say where the thinking ends. The
// id is `id`, `id_ddm`, or the hash of the line. A line without thinking, or one that cannot be read, is an
// error that names it; with skip_bad_lines the line is listed instead. Two rows with one id are an error. The
// `path` "-" is standard input.
Result<Thinkings> ReadThinkings(const std::string& path, bool skip_bad_lines);

}  // namespace tessy
