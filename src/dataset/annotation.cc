#include "dataset/annotation.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "dataset/json_fields.h"

namespace tessy {
namespace {

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

Result<std::string> Text(const Json& row, const char* key) {
  if (!row.contains(key) || !row[key].is_string())
    return Bad(fmt::format("\"{}\" is missing or not a string", key));
  return row[key].get<std::string>();
}

// The ids in published files are texts or numbers.
Result<std::string> Id(const Json& row, const char* key) {
  if (row.contains(key) && row[key].is_number_integer()) return row[key].dump();
  return Text(row, key);
}

Result<size_t> Offset(const Json& row, const char* key) {
  if (!row.contains(key) || !row[key].is_number_unsigned()) {
    return Bad(fmt::format("\"{}\" is missing or not a whole number", key));
  }
  return row[key].get<size_t>();
}

Status ReadSpan(const Json& row, Annotation& annotation) {
  const auto start = Offset(row, "start");
  if (!start) return tl::unexpected(start.error());
  const auto end = Offset(row, "end");
  if (!end) return tl::unexpected(end.error());
  const std::string& text = annotation.text;
  if (*start >= *end || *end > CountCodePoints(text)) {
    return Bad(fmt::format("the span {} to {} is empty or not in the text", *start, *end));
  }
  const ByteRange range{.start = ByteOffset(text, *start), .end = ByteOffset(text, *end)};
  if (!annotation.spans.empty() && range.start < annotation.spans.back().end) {
    return Bad(fmt::format("the span {} to {} begins before the one before it ends", *start, *end));
  }
  const auto written = Text(row, "span");
  if (!written) return tl::unexpected(written.error());
  const std::string stands = text.substr(range.start, range.end - range.start);
  if (*written != stands) {
    return Bad(
        fmt::format("the span {} to {} is \"{}\", but \"{}\" stands there", *start, *end, *written, stands));
  }
  annotation.spans.push_back(range);
  return {};
}

Status ReadSpans(const Json& row, const char* key, Annotation& annotation) {
  if (!row.contains(key) || !row[key].is_array())
    return Bad(fmt::format("\"{}\" is missing or not a list", key));
  for (const Json& span : row[key]) {
    if (!span.is_object()) return Bad(fmt::format("\"{}\" holds {}, not an object", key, KindOf(span)));
    if (auto status = ReadSpan(span, annotation); !status) return status;
  }
  return {};
}

Status ReadPublished(const Json& row, Annotation& annotation) {
  return Id(row, "id_ddm")
      .map([&](std::string id) { annotation.trace_id = std::move(id); })
      .and_then([&] { return Text(row, "think_text"); })
      .map([&](std::string text) { annotation.text = std::move(text); })
      .and_then([&] { return ReadSpans(row, "pred_result", annotation); });
}

Status ReadOurs(const Json& row, Annotation& annotation) {
  return Text(row, "id")
      .map([&](std::string id) { annotation.id = std::move(id); })
      .and_then([&] { return Text(row, "trace_id"); })
      .map([&](std::string id) { annotation.trace_id = std::move(id); })
      .and_then([&] { return Text(row, "text"); })
      .map([&](std::string text) { annotation.text = std::move(text); })
      .and_then([&] { return Text(row, "annotator"); })
      .map([&](std::string annotator) { annotation.annotator = std::move(annotator); })
      .and_then([&] { return Offset(row, "start"); })
      .map([&](size_t start) { annotation.start = start; })
      .and_then([&] { return ReadSpans(row, "spans", annotation); });
}

}  // namespace

std::string ToJsonLine(const Annotation& annotation) {
  Json spans = Json::array();
  const std::string_view text = annotation.text;
  size_t bytes = 0;
  size_t code_points = 0;
  const auto code_points_to = [&](size_t offset) {
    code_points += CountCodePoints(text.substr(bytes, offset - bytes));
    bytes = offset;
    return code_points;
  };
  for (const ByteRange& span : annotation.spans) {
    const size_t start = code_points_to(span.start);
    const size_t end = code_points_to(span.end);
    spans.push_back(
        {{"span", text.substr(span.start, span.end - span.start)}, {"start", start}, {"end", end}});
  }
  const Json row{{"id", annotation.id},
                 {"trace_id", annotation.trace_id},
                 {"text", text},
                 {"start", annotation.start},
                 {"end", annotation.start + CountCodePoints(text)},
                 {"spans", std::move(spans)},
                 {"annotator", annotation.annotator}};
  return row.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Annotation> ParseAnnotation(std::string_view line) {
  const auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  Annotation annotation;
  const Status status =
      row->contains("pred_result") ? ReadPublished(*row, annotation) : ReadOurs(*row, annotation);
  if (!status) return tl::unexpected(status.error());
  return annotation;
}

Result<std::vector<Annotation>> ReadAnnotations(const std::string& path) {
  auto lines = LineReader::Open(path);
  if (!lines) return tl::unexpected(lines.error());
  std::vector<Annotation> annotations;
  while (true) {
    const auto line = lines->Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) return annotations;
    auto annotation = ParseAnnotation(**line);
    if (!annotation) {
      return Fail(annotation.error().code, fmt::format("{}: {}", lines->Where(), annotation.error().message));
    }
    if (annotation->id.empty()) annotation->id = fmt::format("{}@{}", annotation->trace_id, lines->line());
    annotations.push_back(std::move(*annotation));
  }
}

}  // namespace tessy
