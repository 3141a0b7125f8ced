// Rows of annotations.
#include "dataset/annotation.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto annotation = ParseAnnotation(input);
  if (!annotation) return Note(annotation.error().message);
  Note(annotation->id.empty() ? "a published row" : "a row");
  size_t covered = 0;
  for (const ByteRange& span : annotation->spans) {
    Require(span.start >= covered && span.start < span.end && span.end <= annotation->text.size(),
            "spans ascend, are disjoint, and lie in the text");
    covered = span.end;
  }
  const auto again = ParseAnnotation(ToJsonLine(*annotation));
  Require(again.has_value(), "a row that was written can be read");
  Require(*again == *annotation, "a row that was written is read as what was written");
}

const Registration kRegistered(
    {.name = "annotations",
     .grammar = kJson,
     .seeds =
         {R"({"id":"t#0","trace_id":"t","text":"Okay, so \u00e9 is 3. Wait","start":5,"end":29,)"
          R"("spans":[{"span":"Okay, so","start":0,"end":8},{"span":"Wait","start":17,"end":21}],"annotator":"lexicon"})",
          R"({"id_ddm":7,"think_text":"Hmm, 2","pred_result":[{"span":"Hmm","start":0,"end":3}]})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
