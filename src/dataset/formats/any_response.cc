#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/random.h"
#include "base/utf8.h"
#include "dataset/formats/format_json.h"
#include "dataset/response_spans.h"
#include "dataset/thinking.h"
#include "dataset/thinking_apart.h"

namespace tessy {
namespace {

// What only our own rows have; null in tables where rows of several kinds were put together.
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

std::string NameField(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number_integer() ? found->dump() : TextField(row, key);
}

bool HasSpans(const Json& row) {
  const auto spans = row.find("spans");
  return spans != row.end() && spans->is_array() && !spans->empty();
}

// The number that is all of the id from there on.
std::optional<uint32_t> SampleNamed(const std::string& id, size_t at) {
  uint32_t sample = 0;
  const char* last = id.data() + id.size();
  const auto parsed = std::from_chars(id.data() + at, last, sample);
  if (parsed.ec != std::errc() || parsed.ptr != last) return std::nullopt;
  return sample;
}

void ReadNames(const Json& row, std::string_view line, Response& response) {
  for (const char* key : {"id", "id_ddm"}) {
    if (response.id.empty()) response.id = NameField(row, key);
  }
  if (response.id.empty()) response.id = fmt::format("r-{:016x}", HashBytes(line));
  response.question_id = NameField(row, "question_id");
  const size_t slash = response.id.rfind('/');
  if (const auto sample = slash == std::string::npos ? std::nullopt : SampleNamed(response.id, slash + 1)) {
    const std::string question = response.id.substr(0, slash);
    // Ids of others have slashes, too: HumanEval/0 is a question.
    if (response.question_id.empty() && HasSpans(row)) response.question_id = question;
    if (response.question_id == question) response.sample = *sample;
  }
  if (response.question_id.empty()) response.question_id = response.id;
  response.method = TextField(row, "method");
  if (response.method.empty()) response.method = "foreign";
}

bool IsRead(std::string_view key, const ForeignRow& foreign) {
  return std::ranges::find(kRead, key) != std::end(kRead) ||
         std::ranges::find(foreign.taken, key) != foreign.taken.end();
}

std::string SourceOf(const Json& row, const ForeignRow& foreign) {
  if (row.contains("source") && row["source"].is_object()) return row["source"].dump();
  Json source = Json::object();
  for (const auto& [key, value] : row.items()) {
    if (key == "source" || !IsRead(key, foreign)) source[key] = value;
  }
  return source.empty() ? "" : source.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Thinking that stands beside the text in the row comes before it, as that of a turn does.
Status AddThinking(const Json& row, ForeignRow& foreign) {
  std::string& content = foreign.messages.back().content;
  if (HasSpans(row)) return {};
  const ApartThinking apart = ApartInRow(row);
  if (apart.key.empty() || HasOwnThinking(content, apart.text)) return {};
  if (!foreign.parts.empty()) {
    return BadRow(fmt::format("has its thinking apart ({}), and parts that do not count it", apart.key));
  }
  content = WithThinking(apart.text, content);
  foreign.taken.emplace_back(apart.key);
  return {};
}

// What is read must be text; what is only carried over need not be.
Status CheckHalves(std::string_view line, const ForeignRow& foreign) {
  if (line.find("\\ud") == std::string_view::npos && line.find("\\uD") == std::string_view::npos) return {};
  for (const RawField& field : RawFields(line)) {
    if (field.name == "source" || !IsRead(field.name, foreign) || !HasHalfSurrogate(field.text)) continue;
    return BadRow(fmt::format("{} holds half of a surrogate pair (\\ud800 to \\udfff), which is no character",
                              field.name));
  }
  return {};
}

Status ReadSpans(const Json& row, const ForeignRow& foreign, Response& response) {
  if (!HasSpans(row)) {
    response.spans = SpansOf(foreign);
    return {};
  }
  const size_t code_points = CountCodePoints(response.messages.back().content);
  return ReadResponseSpans(row["spans"], code_points, /*counts_tokens=*/false, response.spans);
}

Result<Response> ResponseOf(const Json& row, std::string_view line, ForeignRow foreign) {
  Response response;
  ReadNames(row, line, response);
  response.stats.attempts = 1;
  const auto status =
      AddThinking(row, foreign).and_then([&] { return CheckHalves(line, foreign); }).and_then([&] {
        response.messages = foreign.messages;
        return ReadSpans(row, foreign, response);
      });
  if (!status) return BadRow(fmt::format("not a response: {}", status.error().message));
  response.source_json = SourceOf(row, foreign);
  return response;
}

bool IsOurs(const Json& row) {
  return std::ranges::any_of(kOurs,
                             [&](const char* key) { return row.contains(key) && !row[key].is_null(); });
}

}  // namespace

Result<Response> ParseAnyResponse(std::string_view line) {
  const auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  if (IsOurs(*row)) return ParseResponse(*row, line);
  for (const ExportFormat* format : ExportFormats()) {
    if (format->read == nullptr) continue;
    auto read = format->read(*row);
    if (!read) continue;
    if (!*read) return BadRow(fmt::format("not a response: {}", read->error().message));
    return ResponseOf(*row, line, std::move(**read));
  }
  return ParseResponse(*row, line);
}

}  // namespace tessy
