// Files of responses of any program, of which the thinking is read.
#include "base/utf8.h"
#include "dataset/thinking.h"
#include "dataset/window.h"
#include "fuzz/sample_response.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const std::string_view inside = ThinkingOf(input);
  Require(inside.empty() ||
              (inside.data() >= input.data() && inside.data() + inside.size() <= input.data() + input.size()),
          "a thinking is a part of its content");
  const MemoryFile file(input);
  const auto read = ReadThinkings(file.path(), /*skip_bad_lines=*/true);
  if (!read) return Note("no response");
  for (const BadLine& line : read->bad_lines) Note(line.reason);
  for (const Thinking& thinking : read->thinkings)
    Require(!IsBlankText(thinking.text), "a thinking is not blank");
  Note("a thinking");
  for (const Window& window : CutWindows(read->thinkings, {.words = 3, .per_response = 2})) {
    Require(window.range.start < window.range.end &&
                window.range.end <= read->thinkings[window.thinking].text.size(),
            "a window lies in its thinking");
  }
}

const Registration kRegistered(
    {.name = "thinkings",
     .grammar = kJson,
     .seeds =
         {ToJsonLine(SampleResponse()), "<think>\na\n</think>\nb", "[THINK]a </think> b[/THINK]",
          R"({"id":"a","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"<think>x y z w</think>3"}]})"
          "\n"
          R"({"id":1,"conversations":[{"from":"gpt","value":"<|begin_of_thought|>a<|end_of_thought|>b"}]})"
          "\n"
          R"({"output":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"}]}]})"
          "\n"
          R"({"reasoning":"I think that","response":"3","spans":[]})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
