// What an annotator answers for a window: the window, a record separator, the answer.
#include "base/utf8.h"
#include "dataset/style_spans.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto [window, answer] = InTwo(input);
  const auto spans = LocateStyle(window, answer);
  if (!spans) return Note(spans.error().message);
  Note("accepted");
  Annotation annotation{
      .id = "i", .trace_id = "t", .text = std::string(window), .spans = *spans, .annotator = "a"};
  if (!IsValidUtf8(window)) return;
  const auto read = ParseAnnotation(ToJsonLine(annotation));
  Require(read && *read == annotation, "spans that were accepted make a row that can be read");
}

const Registration kRegistered({.name = "annotation_answers",
                                .grammar = kJson,
                                .seeds = {"Okay, so 1 + 2 is 3. Wait, is it?\x1E[\"Okay, so\", \"Wait,\"]",
                                          "Hmm, \xC3\xA9 then\x1E```json\n[\" Hmm, \\u00e9 \"]\n```",
                                          "a\x1E[]", "a a a\x1E[\"a\",\"a\"]\n"},
                                .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
