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

// A window of a response's thinking with its style spans marked. Boundary predictors learn from these
// (method, section 8).
struct Annotation {
  std::string id;        // id of the window; unique in its file
  std::string trace_id;  // the response it was cut from; a split keeps all windows of a trace on one side
  std::string text;      // UTF-8
  size_t start = 0;      // its place in the thinking, in code points
  std::vector<ByteRange> spans;  // style: ascending, disjoint, not empty, at character borders of `text`
  std::string annotator;         // "lexicon", or a model's name

  bool operator==(const Annotation&) const = default;
};

// One line of annotations.jsonl without its newline:
//   {"id","trace_id","text","start","end","spans":[{"span","start","end"}…],"annotator"}
// Offsets in files are code points, end exclusive: those of the window count in the thinking, those of the
// spans in `text`.
std::string ToJsonLine(const Annotation& annotation);

// Reads that form, and the published code's {"id_ddm","think_text","pred_result":[{"span","start","end"}…]},
// whose id_ddm is the trace id. The reading is strict: offsets outside the text, spans that overlap, descend
// or are empty, and a "span" that differs from the text at its offsets are errors.
Result<Annotation> ParseAnnotation(std::string_view line);

// Reads all annotations of a file; errors name file and line. The path "-" is standard input. Windows
// without an id of their own are named after their trace and line.
Result<std::vector<Annotation>> ReadAnnotations(const std::string& path);

}  // namespace tessy
