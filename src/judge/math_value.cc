#include "judge/math_value.h"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <string>

namespace tessy {
namespace {

using Residues = std::array<uint64_t, 2>;

constexpr uint64_t kPrimes[2] = {(uint64_t{1} << 61) - 1, (uint64_t{1} << 61) - 31};
constexpr double kExact = 9007199254740992.0;  // 2^53: doubles hold every whole number below it
constexpr int64_t kLongestProduct = 1000;      // factors that a factorial or a binomial multiplies out

__extension__ using Wide = unsigned __int128;

uint64_t Times(uint64_t a, uint64_t b, uint64_t prime) {
  return static_cast<uint64_t>(static_cast<Wide>(a) * b % prime);
}

uint64_t PowerOf(uint64_t base, uint64_t exponent, uint64_t prime) {
  uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = Times(result, base, prime);
    base = Times(base, base, prime);
  }
  return result;
}

bool IsSmallWhole(const MathValue& a) { return a.whole && std::abs(a.number.real()) < kExact; }
int64_t Small(const MathValue& a) { return static_cast<int64_t>(a.number.real()); }

MathValue NotANumber() { return Real(std::numeric_limits<double>::quiet_NaN()); }

// A double that has a whole value, as such where it is exact.
MathValue Rounded(double number) {
  return std::abs(number) < kExact ? Whole(static_cast<int64_t>(number)) : Real(number);
}

template <class Operation>
MathValue Combine(const MathValue& a, const MathValue& b, std::complex<double> number,
                  const Operation& operation) {
  MathValue result{.number = number, .whole = a.whole && b.whole};
  for (size_t i = 0; result.whole && i < 2; ++i) {
    result.residues[i] = operation(a.residues[i], b.residues[i], kPrimes[i]);
  }
  return result;
}

}  // namespace

MathValue Real(double number) { return {.number = number}; }

MathValue Whole(int64_t number) {
  MathValue value{.number = static_cast<double>(number), .whole = true};
  const uint64_t size =
      number < 0 ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t residue = size % kPrimes[i];
    value.residues[i] = number < 0 && residue > 0 ? kPrimes[i] - residue : residue;
  }
  return value;
}

MathValue WholeFromDigits(std::string_view digits) {
  MathValue value{.number = std::strtod(std::string(digits).c_str(), nullptr), .whole = true};
  for (size_t i = 0; i < 2; ++i) {
    for (const char c : digits) {
      value.residues[i] =
          (Times(value.residues[i], 10, kPrimes[i]) + static_cast<uint64_t>(c - '0')) % kPrimes[i];
    }
  }
  return value;
}

MathValue Negative(const MathValue& a) { return Product(Whole(-1), a); }

MathValue Sum(const MathValue& a, const MathValue& b) {
  return Combine(a, b, a.number + b.number,
                 [](uint64_t x, uint64_t y, uint64_t prime) { return (x + y) % prime; });
}

MathValue Product(const MathValue& a, const MathValue& b) {
  // Infinity times a zero imaginary part would make the whole product not a number.
  const auto number = a.IsReal() && b.IsReal() ? std::complex<double>(a.number.real() * b.number.real())
                                               : a.number * b.number;
  return Combine(a, b, number, Times);
}

MathValue Quotient(const MathValue& a, const MathValue& b) {
  if (b.number == 0.0) return NotANumber();
  if (IsSmallWhole(a) && IsSmallWhole(b) && Small(a) % Small(b) == 0) return Whole(Small(a) / Small(b));
  if (a.IsReal() && b.IsReal()) return Real(a.number.real() / b.number.real());
  return {.number = a.number / b.number};
}

MathValue Power(const MathValue& base, const MathValue& exponent) {
  const double b = base.number.real();
  const double e = exponent.number.real();
  MathValue result;
  if (base.IsReal() && exponent.IsReal() && (b >= 0.0 || std::floor(e) == e)) {
    result.number = std::pow(b, e);
  } else {
    result.number = std::pow(base.number, exponent.number);
  }
  if (!base.whole || !IsSmallWhole(exponent) || e < 0.0) return result;
  result.whole = true;
  for (size_t i = 0; i < 2; ++i) {
    result.residues[i] = PowerOf(base.residues[i], static_cast<uint64_t>(Small(exponent)), kPrimes[i]);
  }
  return result;
}

MathValue Root(const MathValue& a, const MathValue& degree) {
  const bool odd = IsSmallWhole(degree) && Small(degree) % 2 != 0;
  if (a.IsReal() && a.number.real() < 0.0 && odd) {
    return Real(-std::pow(-a.number.real(), 1.0 / degree.number.real()));
  }
  if (degree.number == 2.0) {
    const auto root = a.IsReal() && a.number.real() >= 0.0 ? std::complex<double>(std::sqrt(a.number.real()))
                                                           : std::sqrt(a.number);
    return {.number = root};
  }
  return Power(a, Quotient(Whole(1), degree));
}

MathValue Factorial(const MathValue& a) {
  if (!a.IsReal()) return NotANumber();
  MathValue result = Real(std::tgamma(a.number.real() + 1.0));
  if (!IsSmallWhole(a) || Small(a) < 0 || Small(a) > kLongestProduct) return result;
  MathValue product = Whole(1);
  for (int64_t i = 2; i <= Small(a); ++i) product = Product(product, Whole(i));
  return product;
}

MathValue Binomial(const MathValue& n, const MathValue& k) {
  if (!n.IsReal() || !k.IsReal()) return NotANumber();
  if (!IsSmallWhole(k) || Small(k) < 0 || Small(k) > kLongestProduct) {
    return Quotient(Factorial(n), Product(Factorial(k), Factorial(Sum(n, Negative(k)))));
  }
  double number = 1.0;
  MathValue above = Whole(1);
  MathValue below = Whole(1);
  for (int64_t i = 0; i < Small(k); ++i) {
    const MathValue factor = Sum(n, Whole(-i));
    number *= factor.number.real() / static_cast<double>(i + 1);
    above = Product(above, factor);
    below = Product(below, Whole(i + 1));
  }
  MathValue result = Real(number);
  if (!n.whole) return result;
  result.whole = true;
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t inverse = PowerOf(below.residues[i], kPrimes[i] - 2, kPrimes[i]);
    result.residues[i] = Times(above.residues[i], inverse, kPrimes[i]);
  }
  if (std::abs(number) < kExact) result.number = std::round(number);
  return result;
}

MathValue Floor(const MathValue& a) {
  if (a.whole) return a;
  return a.IsReal() ? Rounded(std::floor(a.number.real())) : NotANumber();
}

MathValue Ceiling(const MathValue& a) {
  if (a.whole) return a;
  return a.IsReal() ? Rounded(std::ceil(a.number.real())) : NotANumber();
}

MathValue Absolute(const MathValue& a) {
  if (a.whole) return a.number.real() < 0.0 ? Negative(a) : a;
  return Real(std::abs(a.number));
}

bool IsFinite(const MathValue& a) { return std::isfinite(a.number.real()) && std::isfinite(a.number.imag()); }

bool IsSameWhole(const MathValue& a, const MathValue& b) {
  return a.whole && b.whole && a.residues == b.residues;
}

}  // namespace tessy
