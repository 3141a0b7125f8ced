#include "judge/python_number.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "judge/ascii.h"

namespace tessy {
namespace {

constexpr size_t kExponentDigits = 18;

// The parts of [sign] digits [. digits] [e [sign] digits].
struct Parts {
  bool negative = false;
  std::string whole;
  std::string fraction;
  int64_t exponent = 0;
};

std::string TakeDigits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  std::string digits(text.substr(0, count));
  text.remove_prefix(count);
  return digits;
}

bool TakeSign(std::string_view& text) {
  const bool signed_ = !text.empty() && (text[0] == '-' || text[0] == '+');
  const bool negative = signed_ && text[0] == '-';
  if (signed_) text.remove_prefix(1);
  return negative;
}

std::optional<int64_t> TakeExponent(std::string_view& text) {
  text.remove_prefix(1);
  const bool negative = TakeSign(text);
  std::string digits = TakeDigits(text);
  if (digits.empty()) return std::nullopt;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.size() > kExponentDigits) return std::nullopt;
  const int64_t value = std::strtoll(digits.c_str(), nullptr, 10);
  return negative ? -value : value;
}

std::optional<Parts> ReadParts(std::string_view text) {
  Parts parts{.negative = TakeSign(text), .whole = TakeDigits(text), .fraction = {}, .exponent = 0};
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    parts.fraction = TakeDigits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    const auto exponent = TakeExponent(text);
    if (!exponent) return std::nullopt;
    parts.exponent = *exponent;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

std::optional<PythonDecimal> ReadSpecial(std::string_view text) {
  const bool negative = TakeSign(text);
  const std::string word = Lower(text);
  if (word == "inf" || word == "infinity") {
    return PythonDecimal{.kind = PythonDecimal::Kind::kInfinite, .negative = negative};
  }
  const size_t name = word.starts_with("snan") ? 4 : word.starts_with("nan") ? 3 : 0;
  // Digits behind NaN are its payload.
  if (name == 0 || word.find_first_not_of("0123456789", name) != std::string::npos) return std::nullopt;
  return PythonDecimal{.kind = PythonDecimal::Kind::kNan};
}

// An underscore may stand only between two digits.
bool UnderscoresStandBetweenDigits(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !IsDigit(text[i - 1]) || !IsDigit(text[i + 1])) return false;
  }
  return true;
}

std::string WithoutUnderscores(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  return plain;
}

}  // namespace

std::optional<PythonDecimal> ReadPythonDecimal(std::string_view text) {
  const std::string plain = WithoutUnderscores(text);
  const auto parts = ReadParts(plain);
  if (!parts) return ReadSpecial(plain);
  PythonDecimal number{.negative = parts->negative, .digits = parts->whole + parts->fraction};
  number.exponent = parts->exponent - static_cast<int64_t>(parts->fraction.size());
  const size_t last = number.digits.find_last_not_of('0');
  if (last == std::string::npos) return PythonDecimal{};
  number.exponent += static_cast<int64_t>(number.digits.size() - 1 - last);
  number.digits.erase(last + 1);
  number.digits.erase(0, number.digits.find_first_not_of('0'));
  return number;
}

bool operator==(const PythonDecimal& a, const PythonDecimal& b) {
  if (a.kind != b.kind || a.kind == PythonDecimal::Kind::kNan) return false;
  return a.negative == b.negative && a.digits == b.digits && a.exponent == b.exponent;
}

std::optional<double> ReadPythonFloat(std::string_view text) {
  if (!UnderscoresStandBetweenDigits(text)) return std::nullopt;
  const std::string plain = WithoutUnderscores(text);
  std::string_view rest = plain;
  const bool negative = TakeSign(rest);
  const std::string word = Lower(rest);
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  if (word == "inf" || word == "infinity") return negative ? -infinite : infinite;
  if (!ReadParts(plain)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error == std::errc::invalid_argument || end != rest.data() + rest.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) value = std::strtod(std::string(rest).c_str(), nullptr);
  return negative ? -value : value;
}

}  // namespace tessy
