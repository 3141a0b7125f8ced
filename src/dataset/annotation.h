#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/words.h"
#include "dataset/line_reader.h"

namespace tessy {

// A window of a response's thinking with its style spans marked: what boundary predictors learn from (method,
// section 8).
struct Annotation {
  std::string id;        // of the window; unique in its file
  std::string trace_id;  // the response it was cut from: all windows of a trace stay on one side of a split
  std::string text;      // UTF-8
  size_t start = 0;      // where it stands in the thinking, in code points
  std::vector<ByteRange> spans;  // of style: ascending, disjoint, not empty, at character borders of `text`
  std::string annotator;         // "lexicon", or a model's name

  bool operator==(const Annotation&) const = default;
};

// One line of annotations.jsonl without its newline:
//   {"id","trace_id","text","start","end","spans":[{"span","start","end"}…],"annotator"}
// Offsets in files are code points, end exclusive: those of the window count in the thinking, those of the
// spans in `text`.
std::string ToJsonLine(const Annotation& annotation);

// Reads that form, and the published code's {"id_ddm","think_text","pred_result":[{"span","start","end"}…]},
// whose trace id is its id_ddm. Strict: offsets out of the text, spans that overlap, descend or are empty,
// and a "span" that is not what stands there are errors.
Result<Annotation> ParseAnnotation(std::string_view line);

// All of a file; errors name file and line. "-" is standard input. Windows without an id of their own are
// named after their trace and line.
Result<std::vector<Annotation>> ReadAnnotations(const std::string& path);

}  // namespace tessy
