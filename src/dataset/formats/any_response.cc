#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/formats/format_json.h"
#include "dataset/response_spans.h"
#include "dataset/thinking.h"

namespace tessy {
namespace {

// What only our own rows have.
constexpr const char* kOurs[] = {"stats", "sampling", "closed_by"};
// What a row's reader has taken; all other fields are its source.
constexpr const char* kRead[] = {
    "id",         "id_ddm",          "question_id",     "sample",        "method",       "messages",
    "dialogs",    "spans",           "source",          "conversations", "prompt",       "segments",
    "completion", "input_ids",       "labels",          "instruction",   "input",        "output",
    "history",    "assistant_masks", "completion_mask", "system",        "system_prompt"};

struct Places {
  size_t start = 0;  // of the thinking, in bytes of the content
  size_t end = 0;
  size_t answer = 0;
};

// Where the thinking and the answer stand, without the markup and the newlines that belong to it.
Places PlacesIn(std::string_view content) {
  const std::string_view thinking = ThinkingOf(content);
  if (thinking.data() == nullptr) return {};
  Places places;
  places.start = static_cast<size_t>(thinking.data() - content.data());
  places.end = places.start + thinking.size();
  const size_t mark_end = content.find_first_of(">]", places.end);
  places.answer = mark_end == std::string_view::npos ? content.size() : mark_end + 1;
  for (int i = 0; i < 2 && places.answer < content.size() && content[places.answer] == '\n'; ++i)
    ++places.answer;
  if (places.start > 0 && places.start < places.end && content[places.start] == '\n') ++places.start;
  if (places.start < places.end && content[places.end - 1] == '\n') --places.end;
  return places;
}

class SpanList {
 public:
  explicit SpanList(std::string_view content) : content_(content) {}

  // Bytes.
  void Add(Role role, SpanKind kind, size_t start, size_t end) {
    if (start >= end) return;
    code_points_ += CountCodePoints(content_.substr(bytes_, start - bytes_));
    const size_t first = code_points_;
    code_points_ += CountCodePoints(content_.substr(start, end - start));
    bytes_ = end;
    spans_.push_back({.role = role, .kind = kind, .start = first, .end = code_points_});
  }
  std::vector<ResponseSpan> Take() { return std::move(spans_); }

 private:
  std::string_view content_;
  size_t bytes_ = 0;
  size_t code_points_ = 0;
  std::vector<ResponseSpan> spans_;
};

// The parts of the row that lie in the thinking.
std::vector<TrainingPart> PartsIn(const std::vector<TrainingPart>& parts, const Places& places) {
  std::vector<TrainingPart> inside;
  size_t at = places.start;
  for (const TrainingPart& part : parts) {
    const size_t start = std::max(part.start, at);
    const size_t end = std::min(part.end, places.end);
    if (start >= end) continue;
    if (start > at) inside.push_back({.start = at, .end = start, .weight = 0.0F});
    inside.push_back({.start = start, .end = end, .weight = part.weight});
    at = end;
  }
  if (at < places.end) inside.push_back({.start = at, .end = places.end, .weight = 0.0F});
  return inside;
}

std::vector<ResponseSpan> SpansOf(const ForeignRow& row) {
  const std::string_view content = row.messages.back().content;
  const Places places = PlacesIn(content);
  const auto inside = PartsIn(row.parts, places);
  const auto [least, most] =
      std::ranges::minmax_element(inside, {}, [](const TrainingPart& part) { return part.weight; });
  SpanList spans(content);
  if (inside.empty() || least->weight == most->weight) {
    spans.Add(Role::kStudent, SpanKind::kThinking, places.start, places.end);
  } else {
    for (const TrainingPart& part : inside) {
      const bool is_capability = part.weight == most->weight;
      spans.Add(is_capability ? Role::kTeacher : Role::kStudent,
                is_capability ? SpanKind::kCapability : SpanKind::kStyle, part.start, part.end);
    }
  }
  spans.Add(Role::kStudent, SpanKind::kAnswer, places.answer, content.size());
  return spans.Take();
}

void ReadNames(const Json& row, std::string_view line, Response& response) {
  for (const char* key : {"id", "id_ddm"}) {
    if (!response.id.empty() || !row.contains(key)) continue;
    if (row[key].is_string()) response.id = row[key].get<std::string>();
    if (row[key].is_number_integer()) response.id = row[key].dump();
  }
  if (response.id.empty()) response.id = fmt::format("r-{:016x}", HashBytes(line));
  response.question_id = TextField(row, "question_id");
  const size_t slash = response.id.rfind('/');
  uint32_t sample = 0;
  if (slash != std::string::npos) {
    const char* last = response.id.data() + response.id.size();
    const auto parsed = std::from_chars(response.id.data() + slash + 1, last, sample);
    if (parsed.ec != std::errc() || parsed.ptr != last)
      sample = 0;
    else if (response.question_id.empty())
      response.question_id = response.id.substr(0, slash);
  }
  if (response.question_id.empty()) response.question_id = response.id;
  response.sample = sample;
  response.method = TextField(row, "method");
  if (response.method.empty()) response.method = "foreign";
}

std::string SourceOf(const Json& row) {
  if (row.contains("source") && row["source"].is_object()) return row["source"].dump();
  Json source = Json::object();
  for (const auto& [key, value] : row.items()) {
    if (key == "source" || std::ranges::find(kRead, key) == std::end(kRead)) source[key] = value;
  }
  return source.empty() ? "" : source.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Response> ResponseOf(const Json& row, std::string_view line, ForeignRow foreign) {
  Response response;
  ReadNames(row, line, response);
  response.stats.attempts = 1;
  response.messages = foreign.messages;
  const auto spans = row.find("spans");
  const bool has_spans = spans != row.end() && spans->is_array() && !spans->empty();
  if (has_spans) {
    const size_t code_points = CountCodePoints(response.messages.back().content);
    auto status = ReadResponseSpans(*spans, code_points, /*counts_tokens=*/false, response.spans);
    if (!status) return BadRow(fmt::format("not a response: {}", status.error().message));
  } else {
    response.spans = SpansOf(foreign);
  }
  response.source_json = SourceOf(row);
  return response;
}

}  // namespace

Result<Response> ParseAnyResponse(std::string_view line) {
  const auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  if (std::ranges::any_of(kOurs, [&](const char* key) { return row->contains(key); }))
    return ParseResponse(line);
  for (const ExportFormat* format : ExportFormats()) {
    auto read = format->read(*row);
    if (!read) continue;
    if (!*read) return BadRow(fmt::format("not a response: {}", read->error().message));
    return ResponseOf(*row, line, std::move(**read));
  }
  return ParseResponse(line);
}

}  // namespace tessy
