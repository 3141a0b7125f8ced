#include "model/openai/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/json_depth.h"
#include "base/utf8.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

constexpr size_t kEscapeBytes = 6;                   // \ud83d
constexpr double kWholeMax = 9'007'199'254'740'992;  // from there on doubles leave whole numbers out

// The code unit of the escape that begins at `at`; nothing if none does.
std::optional<char32_t> EscapeAt(std::string_view json, size_t at) {
  const std::string_view escape = json.substr(std::min(at, json.size()), kEscapeBytes);
  if (escape.size() < kEscapeBytes || !escape.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  const auto [stop, error] = std::from_chars(escape.data() + 2, escape.data() + kEscapeBytes, unit, 16);
  if (error != std::errc() || stop != escape.data() + kEscapeBytes) return std::nullopt;
  return unit;
}

bool IsHigh(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLow(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

char32_t Joined(char32_t high, char32_t low) { return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00); }

void AppendEscaped(std::string& out, char32_t c) {
  if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    return;
  }
  const auto offset = static_cast<uint32_t>(c) - 0x10000;
  out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
}

// What stands at `at`, a backslash, and how many bytes it takes: an escape as it is, or what `half` makes of
// half a pair.
template <class F>
size_t CopyEscape(std::string_view json, size_t at, std::string& out, F&& half) {
  const auto unit = EscapeAt(json, at);
  if (!unit || (!IsHigh(*unit) && !IsLow(*unit))) {
    out += json.substr(at, 2);
    return std::min<size_t>(2, json.size() - at);
  }
  const auto next = IsHigh(*unit) ? EscapeAt(json, at + kEscapeBytes) : std::nullopt;
  if (!next || !IsLow(*next)) {
    half(out, *unit);
    return kEscapeBytes;
  }
  const char32_t c = Joined(*unit, *next);
  AppendEscaped(out, c >= kHalfMark ? kReplacement : c);
  return 2 * kEscapeBytes;
}

template <class F>
std::string Rewritten(std::string_view json, F&& half) {
  std::string out;
  out.reserve(json.size() + kEscapeBytes);
  for (size_t at = 0; at < json.size();) {
    if (json[at] == '\\') {
      at += CopyEscape(json, at, out, half);
      continue;
    }
    const size_t end = std::min(json.find('\\', at), json.size());
    out += json.substr(at, end - at);
    at = end;
  }
  return out;
}

// Characters that would be taken for marks.
std::string WithoutMarks(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const CodePoint c = FirstCodePoint(json);
    if (c.value >= kHalfMark) {
      AppendUtf8(out, kReplacement);
    } else {
      out += json.substr(0, c.bytes);
    }
    json.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace

bool HasHalf(std::string_view json) {
  for (size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    const auto unit = EscapeAt(json, at);
    if (!unit || (!IsHigh(*unit) && !IsLow(*unit))) {
      at += 2;
      continue;
    }
    const auto next = IsHigh(*unit) ? EscapeAt(json, at + kEscapeBytes) : std::nullopt;
    if (!next || !IsLow(*next)) return true;
    at += 2 * kEscapeBytes;
  }
  return false;
}

std::string MarkHalves(std::string_view json) {
  return Rewritten(WithoutMarks(json),
                   [](std::string& out, char32_t unit) { AppendEscaped(out, kHalfMark + (unit - 0xD800)); });
}

Json ParseServerJson(std::string_view text) {
  if (NestsDeeperThan(text, kNestingMax)) return Json(Json::value_t::discarded);
  if (!HasHalf(text)) return Json::parse(text, nullptr, false);
  const auto replace = [](std::string& out, char32_t) { AppendEscaped(out, kReplacement); };
  return Json::parse(Rewritten(text, replace), nullptr, false);
}

const Json* Member(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string TextOf(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  const auto* text = value == nullptr ? nullptr : value->get_ptr<const Json::string_t*>();
  return text == nullptr ? std::string() : *text;
}

size_t NumberOf(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned()) return *value->get_ptr<const Json::number_unsigned_t*>();
  const auto* real = value->get_ptr<const Json::number_float_t*>();
  const bool whole = real != nullptr && *real >= 0 && *real < kWholeMax;
  return whole && *real == static_cast<double>(static_cast<size_t>(*real)) ? static_cast<size_t>(*real) : 0;
}

bool IsTrue(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  const auto* truth = value == nullptr ? nullptr : value->get_ptr<const Json::boolean_t*>();
  return truth != nullptr && *truth;
}

int64_t CountOf(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  if (value == nullptr || !value->is_number_integer()) return -1;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const auto* natural = value->get_ptr<const Json::number_unsigned_t*>();
  return natural == nullptr ? -1 : static_cast<int64_t>(std::min<uint64_t>(*natural, kMost));
}

std::vector<TokenId> IdsOf(const Json& object, std::string_view key) {
  std::vector<TokenId> ids;
  const Json* value = Member(object, key);
  if (value == nullptr || !value->is_array()) return ids;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<TokenId>::max());
  for (const Json& id : *value) {
    if (!id.is_number_integer()) continue;
    const auto* natural = id.get_ptr<const Json::number_unsigned_t*>();
    ids.push_back(natural != nullptr && *natural <= kMost ? static_cast<TokenId>(*natural) : -1);
  }
  return ids;
}

}  // namespace tessy
