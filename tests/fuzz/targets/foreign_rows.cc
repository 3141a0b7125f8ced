// Rows of trainers, as anybody writes them, and as tessy export does.
#include "base/utf8.h"
#include "dataset/formats/format.h"
#include "fuzz/sample_response.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Run(std::string_view input) {
  const auto response = ParseAnyResponse(input);
  if (!response) return Note(response.error().message);
  Note(response->method == "foreign" ? "a foreign row" : "a row");
  const std::string& content = response->messages.back().content;
  size_t at = 0;
  for (const ResponseSpan& span : response->spans) {
    Require(span.start >= at && span.end >= span.start, "spans ascend");
    at = span.end;
  }
  Require(at <= CountCodePoints(content), "spans lie in the content");
  const auto ours = ParseResponse(ToJsonLine(*response));
  Require(ours.has_value(), "a foreign row becomes one of ours");
  for (const LossWeights& weights : {LossWeights{}, LossWeights{.style = 0.0F}, LossWeights{.style = 0.5F}}) {
    TrainingRow row = RowOf(*ours, weights);
    row.rendered = {.prompt = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n",
                    .end = "<|im_end|>\n"};
    size_t end = 0;
    for (const TrainingPart& part : row.parts) {
      Require(part.start == end && part.end > part.start, "parts tile the content");
      end = part.end;
    }
    Require(end == row.content().size(), "parts tile the content to its end");
    for (const ExportFormat* format : ExportFormats()) {
      const std::string line = format->line(row, weights.by_part());
      Require(IsValidUtf8(line) && line.find('\n') == std::string::npos, "a row is one line");
    }
  }
}

const Registration kRegistered(
    {.name = "foreign_rows",
     .grammar = kJson,
     .seeds =
         {ToJsonLine(SampleResponse()),
          R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"<think>\n","loss":true},{"role":"assistant","content":"Hm,","loss":false},{"role":"assistant","content":" 3\n</think>\n\n3","loss":true}]})",
          R"({"messages":[{"role":"user","content":"q"},{"role":"pretrain","content":"<think>a","loss":false},{"role":"pretrain","content":"</think>b","loss":true},{"role":"pretrain","content":"<|im_end|>","loss":true}]})",
          R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"<think>ab</think>c","training_detail":[{"begin_offset":7,"end_offset":7,"train":false},{"begin_offset":8,"end_offset":8,"train":true}]}]})",
          R"({"segments":[{"label":false,"text":"<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"},{"label":true,"text":"<think>a</think>b<|im_end|>\n"}]})",
          R"({"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"<think>a</think>b"}]})",
          R"({"instruction":"q","input":"more","output":"<think>a</think>b","history":[["x","y"]],"system":"s"})",
          R"({"id":"a/3","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"[THINK]a[/THINK]b"}],"spans":[{"role":"student","kind":"answer","start":0,"end":3}]})"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
