#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <string_view>

namespace tessy {

// The value of an expression: a complex number and, for a whole number of any length, its residues modulo two
// primes just below 2^61. Whole numbers that differ have different residues but for a chance of about 2^-120,
// so that they are compared exactly and never written out (10^{10^{10}} has ten thousand million digits).
struct MathValue {
  std::complex<double> number = 0.0;
  bool whole = false;  // the residues count
  std::array<uint64_t, 2> residues = {};
  bool rounded = false;  // a sum or a function of it was rounded, so that a zero may come out as some 1e-16

  bool IsReal() const { return number.imag() == 0.0; }
};

// All functions are pure and take any values; a result that does not exist is not finite.
MathValue Real(double number);  // not known to be whole
MathValue Whole(int64_t number);
MathValue WholeFromDigits(std::string_view digits);  // "007"; digits only, any number of them
MathValue Negative(const MathValue& a);
MathValue Sum(const MathValue& a, const MathValue& b);
MathValue Product(const MathValue& a, const MathValue& b);
MathValue Quotient(const MathValue& a, const MathValue& b);
MathValue Power(const MathValue& base, const MathValue& exponent);
MathValue Root(const MathValue& a, const MathValue& degree);  // the real one of a negative number, if odd
MathValue Factorial(const MathValue& a);                      // the gamma function between whole numbers
MathValue Binomial(const MathValue& n, const MathValue& k);
MathValue Floor(const MathValue& a);
MathValue Ceiling(const MathValue& a);
MathValue Absolute(const MathValue& a);

bool IsFinite(const MathValue& a);
// The same whole number, by the residues; false unless both are known to be whole.
bool IsSameWhole(const MathValue& a, const MathValue& b);

}  // namespace tessy
