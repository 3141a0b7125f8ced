#include "dataset/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/file_text.h"
#include "base/json_depth.h"
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
    return "a Parquet file, not JSON lines; give the file itself, because a pipe is read as lines";
  if (line.starts_with("\x1F\x8B"))
    return "compressed with gzip; give the file itself, or unpack it before the pipe (gunzip)";
  if (line.starts_with("\x28\xB5\x2F\xFD"))
    return "compressed with Zstandard; give the file itself, or unpack it before the pipe (unzstd)";
  if (IsLfsPointer(line)) return "a Git-LFS pointer, not the file itself; fetch it with git lfs pull";
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

// The code unit that the escape at `at` stands for; 0 if no \uXXXX stands there.
unsigned EscapedUnit(std::string_view json, size_t at) {
  const std::string_view digits = at + 6 <= json.size() ? json.substr(at + 2, 4) : std::string_view();
  if (digits.empty() || json[at] != '\\' || json[at + 1] != 'u') return 0;
  if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return 0;
  return static_cast<unsigned>(std::strtoul(std::string(digits).c_str(), nullptr, 16));
}

bool IsHighHalf(unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowHalf(unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Copies the string that begins at `at`, with U+FFFD for halves of pairs. Returns the place after it.
size_t CopyString(std::string_view json, size_t at, std::string& out) {
  out += json[at++];
  while (at < json.size()) {
    const char c = json[at];
    const unsigned unit = c == '\\' ? EscapedUnit(json, at) : 0;
    size_t bytes = c != '\\' ? 1 : unit == 0 ? 2 : 6;
    if (IsHighHalf(unit) && IsLowHalf(EscapedUnit(json, at + 6))) bytes = 12;
    const bool is_half = bytes == 6 && (IsHighHalf(unit) || IsLowHalf(unit));
    out += is_half ? std::string_view("\\ufffd") : json.substr(at, bytes);
    at += std::min(bytes, json.size() - at);
    if (c == '"') break;
  }
  return at;
}

bool IsOfScalar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
         c == '.';
}

bool IsNumberWithoutEnd(const std::string& scalar) {
  const size_t digit = scalar[0] == '-' ? 1 : 0;
  if (scalar.size() <= digit || scalar[digit] < '0' || scalar[digit] > '9') return false;
  char* end = nullptr;
  return std::isinf(std::strtod(scalar.c_str(), &end)) && *end == '\0';
}

std::string StrictScalar(std::string scalar) {
  for (const char* name : {"NaN", "-NaN", "Infinity", "-Infinity"}) {
    if (scalar == name) return "null";
  }
  return IsNumberWithoutEnd(scalar) ? "\"" + scalar + "\"" : scalar;
}

// True if what stands there, behind blanks, makes a key of what stands before it. A key that is no text must
// not become one: nobody else would read the fields.
bool IsKeyBefore(std::string_view json, size_t at) {
  const size_t next = SkipWhitespace(json, at);
  return next < json.size() && json[next] == ':';
}

Result<Json> NotJson(std::string_view line, const Json::parse_error& error) {
  const std::string place =
      error.byte > line.size() ? "the line ends too early" : fmt::format("at byte {}", error.byte);
  return Fail(ErrorCode::kInvalidData, "not valid JSON: " + place);
}

Result<Json> ParseStrictly(std::string_view line) {
  try {
    Json row = Json::parse(line);
    if (row.is_object()) return row;
    return Fail(ErrorCode::kInvalidData, fmt::format("{}, not a JSON object", KindOf(row)));
  } catch (const Json::parse_error& error) {
    return NotJson(line, error);
  } catch (const Json::exception&) {
    return Fail(ErrorCode::kInvalidData, "not valid JSON: a number in it is too large");
  }
}

}  // namespace

std::string AsStrictJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      at = CopyString(json, at, out);
    } else if (IsOfScalar(json[at])) {
      size_t end = at;
      while (end < json.size() && IsOfScalar(json[end])) ++end;
      const std::string scalar(json.substr(at, end - at));
      out += IsKeyBefore(json, end) ? scalar : StrictScalar(scalar);
      at = end;
    } else {
      out += json[at++];
    }
  }
  return out;
}

bool HasHalfSurrogate(std::string_view json) {
  std::string copy;
  for (size_t at = json.find('"'); at < json.size(); at = json.find('"', at)) {
    copy.clear();
    const size_t end = CopyString(json, at, copy);
    if (copy != json.substr(at, end - at)) return true;
    at = end;
  }
  return false;
}

Result<Json> ParseObject(std::string_view line) {
  if (const auto format = OtherFormat(line); !format.empty()) {
    return Fail(ErrorCode::kInvalidData, std::string(format));
  }
  if (!IsValidUtf8(line)) {
    return Fail(ErrorCode::kInvalidData, fmt::format("not UTF-8 at byte {}", FirstInvalidByte(line) + 1));
  }
  if (NestsDeeperThan(line, kNestingMax)) {
    return Fail(ErrorCode::kInvalidData, fmt::format("nested more than {} levels deep", kNestingMax));
  }
  auto row = ParseStrictly(line);
  if (row) return row;
  const std::string strict = AsStrictJson(line);
  return strict == line ? row : ParseStrictly(strict);
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
    fields.push_back(
        {Json::parse(AsStrictJson(key)).get<std::string>(), key, object.substr(begin, end - begin)});
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
