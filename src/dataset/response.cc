#include "dataset/response.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "dataset/formats/format.h"
#include "dataset/json_fields.h"
#include "dataset/response_spans.h"

namespace tessy {
namespace {

constexpr const char* kThinkingTokens = "thinking_tokens";
constexpr const char* kThinking = "thinking";  // only in rows without any
constexpr const char* kOff = "off";

struct ModelKey {
  const char* name;
  std::string ModelNames::*member;
};
constexpr ModelKey kModelKeys[] = {{"student", &ModelNames::student},
                                   {"teacher", &ModelNames::teacher},
                                   {"student_boundary", &ModelNames::student_boundary},
                                   {"teacher_boundary", &ModelNames::teacher_boundary}};

tl::unexpected<Error> Bad(std::string reason) { return Fail(ErrorCode::kInvalidData, std::move(reason)); }

// Reads values out of one JSON object; the first thing that is not as it should be stops all further reading.
class Fields {
 public:
  // `path` is what messages call the object: "stats."
  Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  // What need not be there may be null: so a table writes what a row lacks.
  const Json* Find(const char* key, bool required = true) {
    const auto found = object_.find(key);
    if (found != object_.end() && (required || !found->is_null())) return &*found;
    if (required) Refuse(fmt::format("has no {}{}", path_, key));
    return nullptr;
  }

  const Json* FindOf(Json::value_t type, const char* key) {
    const Json* value = Find(key);
    if (value != nullptr && value->type() != type) {
      Refuse(fmt::format("{}{} is {}, not {}", path_, key, KindOf(*value), KindOf(Json(type))));
      return nullptr;
    }
    return value;
  }

  void Read(const char* key, std::string& value, bool required = true) {
    if (!required && Find(key, false) == nullptr) return;
    if (const Json* found = FindOf(Json::value_t::string, key)) value = found->get<std::string>();
  }

  void Read(const char* key, double& value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_number())
      return Refuse(fmt::format("{}{} is {}, not a number", path_, key, KindOf(*found)));
    value = found->get<double>();
  }

  template <std::integral T>
  void Read(const char* key, T& value, bool required = true) {
    const Json* found = Find(key, required);
    if (found == nullptr) return;
    if (found->is_number_unsigned()) {
      const auto number = found->get<uint64_t>();
      if (std::in_range<T>(number)) return void(value = static_cast<T>(number));
    } else if (found->is_number_integer()) {
      const auto number = found->get<int64_t>();
      if (std::in_range<T>(number)) return void(value = static_cast<T>(number));
    }
    Refuse(fmt::format("{}{} is not a whole number from {} to {}", path_, key, std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max()));
  }

  void Refuse(std::string reason) {
    if (status_) status_ = Bad(std::move(reason));
  }
  const Status& status() const { return status_; }

 private:
  const Json& object_;
  std::string path_;
  Status status_;
};

Status ReadMessages(const Json& list, std::vector<Message>& messages) {
  for (const Json& item : list) {
    const std::string place = fmt::format("messages[{}]", messages.size());
    if (!item.is_object()) return Bad(place + " is not an object");
    Message message;
    Fields fields(item, place + ".");
    fields.Read("role", message.role);
    fields.Read("content", message.content);
    if (!fields.status()) return fields.status();
    messages.push_back(std::move(message));
  }
  if (messages.empty() || messages.back().role != "assistant") {
    return Bad("the last of its messages is not the assistant's");
  }
  return {};
}

// The value among `all` with this name.
template <class Named>
bool FromName(std::string_view name, std::initializer_list<Named> all, Named& value) {
  const auto found = std::ranges::find(all, name, [](Named one) { return Name(one); });
  if (found == all.end()) return false;
  value = *found;
  return true;
}

Status ReadSpan(const Json& item, const std::string& place, bool counts_tokens, ResponseSpan& span) {
  if (!item.is_object()) return Bad(place + " is not an object");
  std::string role;
  std::string kind;
  Fields fields(item, place + ".");
  fields.Read("role", role);
  fields.Read("kind", kind);
  fields.Read("start", span.start);
  fields.Read("end", span.end);
  fields.Read("tokens", span.tokens, counts_tokens);
  if (!fields.status()) return fields.status();
  if (!FromName(role, {Role::kStudent, Role::kTeacher}, span.role)) {
    return Bad(fmt::format("{}.role is \"{}\", neither student nor teacher", place, role));
  }
  if (!FromName(kind, {SpanKind::kStyle, SpanKind::kCapability, SpanKind::kThinking, SpanKind::kAnswer},
                span.kind)) {
    return Bad(fmt::format("{}.kind is \"{}\", not one of style, capability, thinking, answer", place, kind));
  }
  return {};
}

Status ReadSampling(const Json& object, SamplingRecord& sampling) {
  Fields fields(object, "sampling.");
  fields.Read("temperature", sampling.temperature);
  fields.Read("top_p", sampling.top_p);
  fields.Read("top_k", sampling.top_k);
  fields.Read("min_p", sampling.min_p);
  return fields.status();
}

Status ReadStats(const Json& object, SampleStats& stats) {
  Fields fields(object, "stats.");
  uint64_t thinking_tokens = 0;  // for readers of the rows: the sum of both roles' tokens
  fields.Read(kThinkingTokens, thinking_tokens);
  for (const SampleStat& stat : kSampleStats) {
    stats.*stat.value = stat.if_absent;
    fields.Read(stat.key.data(), stats.*stat.value, stat.required);
  }
  return fields.status();
}

Status ReadModels(const Json& object, ModelNames& models) {
  Fields fields(object, "models.");
  for (const ModelKey& key : kModelKeys) fields.Read(key.name, models.*key.member, false);
  return fields.status();
}

Status ReadResponse(const Json& row, Response& response) {
  Fields fields(row, "");
  fields.Read("id", response.id);
  fields.Read("question_id", response.question_id);
  fields.Read("sample", response.sample);
  fields.Read("method", response.method);
  const Json* messages = fields.FindOf(Json::value_t::array, "messages");
  const Json* spans = fields.FindOf(Json::value_t::array, "spans");
  const Json* closed_by = fields.Find("closed_by");
  if (closed_by != nullptr && !closed_by->is_null()) fields.Read("closed_by", response.closed_by);
  if (fields.Find(kThinking, false) != nullptr) {
    std::string thinking;
    fields.Read(kThinking, thinking);
    if (thinking != kOff) fields.Refuse("thinking is there and is not \"off\"");
    response.thinks = false;
  }
  const Json* stats = fields.FindOf(Json::value_t::object, "stats");
  const Json* models = fields.FindOf(Json::value_t::object, "models");
  const Json* sampling = fields.FindOf(Json::value_t::object, "sampling");
  fields.Read("seed", response.seed);
  if (response.id.empty()) fields.Refuse("its id is empty");
  if (fields.Find("source", false) != nullptr) fields.FindOf(Json::value_t::object, "source");
  if (!fields.status()) return fields.status();

  return ReadMessages(*messages, response.messages)
      .and_then([&] {
        const size_t code_points = CountCodePoints(response.messages.back().content);
        return ReadResponseSpans(*spans, code_points, /*counts_tokens=*/true, response.spans);
      })
      .and_then([&] { return ReadStats(*stats, response.stats); })
      .and_then([&] { return ReadModels(*models, response.models); })
      .and_then([&] { return ReadSampling(*sampling, response.sampling); });
}

Json MessagesJson(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    list.push_back(Json{{"role", Sanitize(message.role)}, {"content", Sanitize(message.content)}});
  }
  return list;
}

Json SpansJson(const std::vector<ResponseSpan>& spans) {
  Json list = Json::array();
  for (const ResponseSpan& span : spans) {
    list.push_back(Json{{"role", Name(span.role)},
                        {"kind", Name(span.kind)},
                        {"start", span.start},
                        {"end", span.end},
                        {"tokens", span.tokens}});
  }
  return list;
}

Json StatsJson(const SampleStats& stats) {
  Json object{{kThinkingTokens, stats.thinking_tokens()}};
  for (const SampleStat& stat : kSampleStats) {
    if (stat.only_if_several && stats.candidates <= 1) continue;
    object[stat.key.data()] = stats.*stat.value;
  }
  return object;
}

Json ModelsJson(const ModelNames& models) {
  Json object = Json::object();
  for (const ModelKey& key : kModelKeys) {
    if (const std::string& name = models.*key.member; !name.empty()) object[key.name] = name;
  }
  return object;
}

Json SamplingJson(const SamplingRecord& sampling) {
  return Json{{"temperature", sampling.temperature},
              {"top_p", sampling.top_p},
              {"top_k", sampling.top_k},
              {"min_p", sampling.min_p}};
}

}  // namespace

Status ReadResponseSpans(const Json& list, size_t code_points, bool counts_tokens,
                         std::vector<ResponseSpan>& spans) {
  size_t covered = 0;
  for (const Json& item : list) {
    const std::string place = fmt::format("spans[{}]", spans.size());
    ResponseSpan span;
    if (auto status = ReadSpan(item, place, counts_tokens, span); !status) return status;
    if (span.start < covered) return Bad(place + " starts before the span before it ends");
    if (span.end < span.start) return Bad(place + " ends before it starts");
    if (span.end > code_points) {
      return Bad(
          fmt::format("{} ends at {}, past the content's {} characters", place, span.end, code_points));
    }
    covered = span.end;
    spans.push_back(span);
  }
  return {};
}

std::string AnswerText(const Response& response) {
  std::string text;
  if (response.messages.empty()) return text;
  const std::string& content = response.messages.back().content;
  for (const ResponseSpan& span : response.spans) {
    if (span.kind != SpanKind::kAnswer) continue;
    const size_t start = ByteOffset(content, span.start);
    text += content.substr(start, ByteOffset(content, span.end) - start);
  }
  return text;
}

std::string ToJsonLine(const Response& response) {
  Json row;
  row["id"] = response.id;
  row["question_id"] = response.question_id;
  row["sample"] = response.sample;
  row["method"] = response.method;
  row["messages"] = MessagesJson(response.messages);
  row["spans"] = SpansJson(response.spans);
  if (!response.thinks) row[kThinking] = kOff;
  row["closed_by"] = response.closed_by.empty() ? Json() : Json(response.closed_by);
  row["stats"] = StatsJson(response.stats);
  row["models"] = ModelsJson(response.models);
  row["sampling"] = SamplingJson(response.sampling);
  row["seed"] = response.seed;
  std::string line = row.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!response.source_json.empty()) {
    line.pop_back();
    line += ",\"source\":" + response.source_json + "}";
  }
  return line;
}

Result<Response> ParseResponse(std::string_view line) {
  const auto row = ParseObject(line);
  if (!row) return tl::unexpected(row.error());
  return ParseResponse(*row, line);
}

Result<Response> ParseResponse(const Json& row, std::string_view line) {
  Response response;
  if (auto status = ReadResponse(row, response); !status) {
    return Bad(fmt::format("not a response: {}", status.error().message));
  }
  for (const RawField& field : RawFields(line)) {
    if (field.name != "source" || field.text == "null") continue;
    response.source_json.clear();
    AppendCompact(response.source_json, AsStrictJson(field.text));
  }
  return response;
}

Result<ResponseReader> ResponseReader::Open(std::string path) {
  return LineReader::Open(std::move(path)).map([](LineReader lines) {
    return ResponseReader(std::move(lines));
  });
}

Result<std::optional<Response>> ResponseReader::Next() {
  const auto line = lines_.Next();
  if (!line) return tl::unexpected(line.error());
  if (!*line) return std::nullopt;
  auto response = ParseAnyResponse(**line);
  if (!response) return Bad(fmt::format("{}: {}", lines_.Where(), response.error().message));
  return std::move(*response);
}

Status ForEachResponse(const std::string& path, const std::function<Status(const Response&)>& take) {
  auto reader = ResponseReader::Open(path);
  if (!reader) return tl::unexpected(reader.error());
  while (true) {
    auto response = reader->Next();
    if (!response) return tl::unexpected(response.error());
    if (!*response) return {};
    if (auto status = take(**response); !status) return status;
  }
}

Result<std::vector<Response>> ReadResponses(const std::string& path) {
  std::vector<Response> responses;
  return ForEachResponse(path,
                         [&](const Response& response) -> Status {
                           responses.push_back(response);
                           return {};
                         })
      .map([&] { return std::move(responses); });
}

}  // namespace tessy
