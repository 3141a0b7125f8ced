#include "dataset/json_fields.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace tessy {
namespace {

constexpr std::string_view kWhitespace = " \t\r\n";

size_t FirstInvalidByte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t bytes = FirstCodePoint(text.substr(at)).bytes;
    if (!IsValidUtf8(text.substr(at, bytes))) break;
    at += bytes;
  }
  return at;
}

// The kind of file that a person most likely gave instead of JSON lines; empty if the text does not tell.
std::string_view OtherFormat(std::string_view line) {
  if (line.starts_with("PAR1"))
    return "a Parquet file, not JSON lines; convert it first (DuckDB or pandas do)";
  if (line.starts_with("\x1F\x8B")) return "compressed with gzip; unpack it first (gunzip)";
  if (line.starts_with("\x28\xB5\x2F\xFD")) return "compressed with Zstandard; unpack it first (unzstd)";
  if (line == "[" || line == "{")
    return "JSON spread over several lines; one object a line is expected (jq -c)";
  return {};
}

// The position after the string that begins at `at`, or after the structural character or scalar there.
size_t SkipString(std::string_view json, size_t at) {
  for (++at; json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

size_t SkipWhitespace(std::string_view json, size_t at) { return json.find_first_not_of(kWhitespace, at); }

size_t SkipValue(std::string_view json, size_t at) {
  size_t depth = 0;
  while (true) {
    const char c = json[at];
    if (c == '"') {
      at = SkipString(json, at);
    } else if (c == '{' || c == '[') {
      ++depth, ++at;
    } else if (c == '}' || c == ']') {
      --depth, ++at;
    } else if (depth > 0) {
      ++at;
    } else {
      at = json.find_first_of(",}] \t\r\n", at);
    }
    if (depth == 0) return at;
  }
}

}  // namespace

Result<Json> ParseObject(std::string_view line) {
  if (const auto format = OtherFormat(line); !format.empty()) {
    return Fail(ErrorCode::kInvalidData, std::string(format));
  }
  if (!IsValidUtf8(line)) {
    return Fail(ErrorCode::kInvalidData, fmt::format("not UTF-8 at byte {}", FirstInvalidByte(line) + 1));
  }
  try {
    Json row = Json::parse(line);
    if (row.is_object()) return row;
    return Fail(ErrorCode::kInvalidData, fmt::format("{}, not a JSON object", KindOf(row)));
  } catch (const Json::parse_error& error) {
    const std::string place =
        error.byte > line.size() ? "the line ends too early" : fmt::format("at byte {}", error.byte);
    return Fail(ErrorCode::kInvalidData, "not valid JSON: " + place);
  } catch (const Json::exception& error) {
    return Fail(ErrorCode::kInvalidData, fmt::format("not valid JSON: {}", error.what()));
  }
}

std::string_view KindOf(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a truth value";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "an object";
    default:
      return "a number";
  }
}

std::vector<RawField> RawFields(std::string_view object) {
  std::vector<RawField> fields;
  size_t at = SkipWhitespace(object, object.find('{') + 1);
  while (object[at] != '}') {
    const size_t key_end = SkipString(object, at);
    const std::string_view key = object.substr(at, key_end - at);
    const size_t begin = SkipWhitespace(object, object.find(':', key_end) + 1);
    const size_t end = SkipValue(object, begin);
    fields.push_back({Json::parse(key).get<std::string>(), key, object.substr(begin, end - begin)});
    at = SkipWhitespace(object, end);
    if (object[at] == ',') at = SkipWhitespace(object, at + 1);
  }
  return fields;
}

void AppendCompact(std::string& out, std::string_view json) {
  for (size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      const size_t end = SkipString(json, at);
      out.append(json, at, end - at);
      at = end;
    } else {
      if (kWhitespace.find(json[at]) == std::string_view::npos) out.push_back(json[at]);
      ++at;
    }
  }
}

}  // namespace tessy
