#include "judge/value_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/blanks.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "judge/ascii.h"
#include "judge/python_number.h"

namespace tessy {
namespace {

constexpr size_t kDepthMax = 1000;

struct Value {
  enum class Kind : uint8_t { kNull, kInteger, kFloat, kText, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text = {};  // of kText; of kInteger its digits, without zeros before them: "-12", "0"
  double number = 0;      // of kFloat
  std::vector<Value> items = {};
  std::map<std::string, Value> members = {};
};

Value Integer(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return {.kind = Value::Kind::kInteger,
          .text = (negative && digits != "0" ? "-" : "") + std::string(digits)};
}

// Reads JSON as Python's json.loads does.
class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : rest_(text) {}

  std::optional<Value> ReadAll() {
    auto value = Read(0);
    SkipBlanks();
    return value && rest_.empty() ? std::move(value) : std::nullopt;
  }

 private:
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<Value> Read(size_t depth) {
    SkipBlanks();
    if (depth > kDepthMax || rest_.empty()) return std::nullopt;
    if (rest_[0] == '"') return ReadText();
    if (Take("[")) return ReadList(depth);
    if (Take("{")) return ReadMap(depth);
    if (Take("null")) return Value{};
    if (Take("true")) return Integer("1");
    if (Take("false")) return Integer("0");
    const double infinite = std::numeric_limits<double>::infinity();
    if (Take("NaN")) return Value{.kind = Value::Kind::kFloat, .number = std::nan("")};
    if (Take("Infinity")) return Value{.kind = Value::Kind::kFloat, .number = infinite};
    if (Take("-Infinity")) return Value{.kind = Value::Kind::kFloat, .number = -infinite};
    return ReadNumber();
  }

  size_t DigitsAt(size_t at) const {
    size_t count = 0;
    while (at + count < rest_.size() && IsDigit(rest_[at + count])) ++count;
    return count;
  }

  std::optional<Value> ReadNumber() {
    size_t end = rest_[0] == '-' ? 1 : 0;
    const size_t whole = DigitsAt(end);
    if (whole == 0 || (whole > 1 && rest_[end] == '0')) return std::nullopt;
    end += whole;
    const size_t integer_end = end;
    if (end < rest_.size() && rest_[end] == '.' && DigitsAt(end + 1) > 0) end += 1 + DigitsAt(end + 1);
    if (end < rest_.size() && Lower(rest_.substr(end, 1)) == "e") {
      const size_t sign = end + 1 < rest_.size() && (rest_[end + 1] == '-' || rest_[end + 1] == '+') ? 1 : 0;
      if (const size_t digits = DigitsAt(end + 1 + sign); digits > 0) end += 1 + sign + digits;
    }
    const std::string_view number = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (end == integer_end) return Integer(number);
    const auto value = ReadPythonFloat(number);
    if (!value) return std::nullopt;
    return Value{.kind = Value::Kind::kFloat, .number = *value};
  }

  std::optional<uint32_t> TakeHexadecimal() {
    if (rest_.size() < 4) return std::nullopt;
    uint32_t unit = 0;
    for (const char c : rest_.substr(0, 4)) {
      const char lower = Lower(std::string_view(&c, 1))[0];
      if (!IsDigit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
      unit = unit * 16 + static_cast<uint32_t>(IsDigit(c) ? c - '0' : lower - 'a' + 10);
    }
    rest_.remove_prefix(4);
    return unit;
  }

  // Appends what \uXXXX says. Halves of a pair that stand alone are kept as three bytes, so that they equal
  // only themselves.
  bool TakeUnicode(std::string& text) {
    auto unit = TakeHexadecimal();
    if (!unit) return false;
    if (*unit >= 0xD800 && *unit < 0xDC00 && rest_.starts_with("\\u")) {
      const std::string_view before = rest_;
      rest_.remove_prefix(2);
      const auto low = TakeHexadecimal();
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        rest_ = before;
      }
    }
    if (*unit >= 0xD800 && *unit < 0xE000) {
      text += static_cast<char>(0xE0 | (*unit >> 12));
      text += static_cast<char>(0x80 | ((*unit >> 6) & 0x3F));
      text += static_cast<char>(0x80 | (*unit & 0x3F));
    } else {
      AppendUtf8(text, *unit);
    }
    return true;
  }

  bool TakeEscape(std::string& text) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char name = rest_[0];
    rest_.remove_prefix(1);
    if (name == 'u') return TakeUnicode(text);
    const size_t at = kNames.find(name);
    if (at == std::string_view::npos) return false;
    text += kMeant[at];
    return true;
  }

  std::optional<Value> ReadText() {
    rest_.remove_prefix(1);
    Value value{.kind = Value::Kind::kText};
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return value;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        value.text += c;
      } else if (!TakeEscape(value.text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::optional<Value> ReadList(size_t depth) {
    Value list{.kind = Value::Kind::kList};
    SkipBlanks();
    if (Take("]")) return list;
    for (;;) {
      auto item = Read(depth + 1);
      if (!item) return std::nullopt;
      list.items.push_back(*std::move(item));
      SkipBlanks();
      if (Take("]")) return list;
      if (!Take(",")) return std::nullopt;
    }
  }

  std::optional<Value> ReadMap(size_t depth) {
    Value map{.kind = Value::Kind::kMap};
    SkipBlanks();
    if (Take("}")) return map;
    for (;;) {
      SkipBlanks();
      if (!rest_.starts_with('"')) return std::nullopt;
      auto key = ReadText();
      SkipBlanks();
      if (!key || !Take(":")) return std::nullopt;
      auto member = Read(depth + 1);
      if (!member) return std::nullopt;
      map.members.insert_or_assign(std::move(key->text), *std::move(member));
      SkipBlanks();
      if (Take("}")) return map;
      if (!Take(",")) return std::nullopt;
    }
  }

  std::string_view rest_;
};

// Exact, as Python compares them: a double that is whole has a finite decimal expansion, which %.0f writes
// out.
bool IsInteger(double number, const std::string& digits) {
  if (!std::isfinite(number) || number != std::trunc(number)) return false;
  return Integer(fmt::format("{:.0f}", number)).text == digits;
}

bool Same(const Value& a, const Value& b) {
  using enum Value::Kind;
  if (a.kind == kInteger && b.kind == kFloat) return IsInteger(b.number, a.text);
  if (a.kind == kFloat && b.kind == kInteger) return IsInteger(a.number, b.text);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case kNull:
      return true;
    case kFloat:
      return a.number == b.number;
    case kInteger:
    case kText:
      return a.text == b.text;
    case kList:
      return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), Same);
    case kMap:
      break;
  }
  return std::equal(
      a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
      [](const auto& x, const auto& y) { return x.first == y.first && Same(x.second, y.second); });
}

std::string Shown(std::string_view json) { return VisibleLine(Shortened(WithoutBlanksAround(json), 100)); }

}  // namespace

Result<OutputVerdict> CompareValues(std::string_view value, std::string_view expected) {
  const auto wanted = ValueReader(expected).ReadAll();
  if (!wanted) {
    return Fail(ErrorCode::kInvalidData, fmt::format("the expected value is no JSON: {}", Shown(expected)));
  }
  const auto got = ValueReader(value).ReadAll();
  if (!got) return OutputVerdict{.right = false, .reason = "the value is no JSON: " + Shown(value)};
  if (Same(*got, *wanted)) return OutputVerdict{.right = true};
  return OutputVerdict{.right = false, .reason = Shown(value) + " for " + Shown(expected)};
}

}  // namespace tessy
