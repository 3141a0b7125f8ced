#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tessy {

// Numbers as Python's constructors read them from ASCII text, for graders whose rules are Python's. Pure.

// A decimal.Decimal: the value is exact, whatever its length.
struct PythonDecimal {
  enum class Kind : uint8_t { kFinite, kInfinite, kNan };
  Kind kind = Kind::kFinite;
  bool negative = false;    // false for zero
  std::string digits = {};  // without zeros at either end; empty: zero
  int64_t exponent = 0;     // of the last digit; 0 for zero
};

// The value of decimal.Decimal(text); nothing where it raises. Underscores among the digits are allowed
// there. An exponent of more than 18 digits is refused, as the C implementation does.
std::optional<PythonDecimal> ReadPythonDecimal(std::string_view text);

// a == b: NaN equals nothing.
bool operator==(const PythonDecimal& a, const PythonDecimal& b);

// The value of float(text); nothing where it raises. Too large is infinite, too small is zero.
std::optional<double> ReadPythonFloat(std::string_view text);

}  // namespace tessy
