#include "judge/math_expression.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace tessy {
namespace {

constexpr uint32_t kPoints = 8;  // that have to agree
constexpr uint32_t kTries = 24;  // points where a value does not exist are passed over
constexpr double kTolerance = 1.01e-8;
constexpr double kSmall = 1e-6;      // below it the tolerance is a share
constexpr double kRounding = 2e-14;  // of large numbers, a few units in the last place
constexpr double kShare = 1e-9;
constexpr double kZero = 1e-12;  // what a zero may come out as

// The names that contest answers use for whole numbers; identities of factorials hold for those alone.
bool IsWholeName(std::string_view name) { return name == "n" || name == "k" || name == "m"; }

MathValue ValueOfName(std::string_view name, uint32_t point) {
  const double uniform = UniformAt(HashBytes(name), point, 0);
  if (!IsWholeName(name)) return Real(0.2 + 2.0 * uniform);
  // n choose k and (n-k)! exist where n is the larger.
  return Whole((name == "n" ? 6 : 1) + static_cast<int64_t>(uniform * 5.0));
}

using Complex = std::complex<double>;

template <class Function>
MathValue Apply(const MathValue& a, const Function& function) {
  return {.number = function(a.number)};
}

bool MayBeZero(const MathValue& value) {
  return value.number == 0.0 || (value.rounded && std::abs(value.number) < kZero);
}

bool IsNear(Complex a, Complex b, double share) {
  return std::abs(a - b) <= share * std::max(std::abs(a), std::abs(b));
}

}  // namespace

MathValue MathExpression::ValueOf(const Part& part, const MathValue& left, const MathValue& right) {
  switch (part.operation) {
    case Operation::kNumber:
    case Operation::kName:
      return part.number;
    case Operation::kSum:
      return Sum(left, right);
    case Operation::kProduct:
      return Product(left, right);
    case Operation::kQuotient:
      return Quotient(left, right);
    case Operation::kPower:
      return Power(left, right);
    case Operation::kRoot:
      return Root(left, right);
    case Operation::kNegative:
      return Negative(left);
    case Operation::kFactorial:
      return Factorial(left);
    case Operation::kBinomial:
      return Binomial(left, right);
    case Operation::kAbsolute:
      return Absolute(left);
    case Operation::kFloor:
      return Floor(left);
    case Operation::kCeiling:
      return Ceiling(left);
    case Operation::kSin:
      return Apply(left, [](Complex x) { return std::sin(x); });
    case Operation::kCos:
      return Apply(left, [](Complex x) { return std::cos(x); });
    case Operation::kTan:
      return Apply(left, [](Complex x) { return std::tan(x); });
    case Operation::kCot:
      return Apply(left, [](Complex x) { return 1.0 / std::tan(x); });
    case Operation::kSec:
      return Apply(left, [](Complex x) { return 1.0 / std::cos(x); });
    case Operation::kCsc:
      return Apply(left, [](Complex x) { return 1.0 / std::sin(x); });
    case Operation::kArcSin:
      return Apply(left, [](Complex x) { return std::asin(x); });
    case Operation::kArcCos:
      return Apply(left, [](Complex x) { return std::acos(x); });
    case Operation::kArcTan:
      return Apply(left, [](Complex x) { return std::atan(x); });
    case Operation::kSinh:
      return Apply(left, [](Complex x) { return std::sinh(x); });
    case Operation::kCosh:
      return Apply(left, [](Complex x) { return std::cosh(x); });
    case Operation::kTanh:
      return Apply(left, [](Complex x) { return std::tanh(x); });
    case Operation::kLogarithm:
      return Apply(left, [](Complex x) { return std::log(x); });
    case Operation::kExponential:
      return Apply(left, [](Complex x) { return std::exp(x); });
  }
  return {};
}

// Products, quotients, powers and roots keep their relative error, so that what is zero stays it.
bool MathExpression::RoundsZero(Operation operation) {
  return operation == Operation::kSum || operation >= Operation::kSin;
}

// In steps: the loops of these operations are long.
size_t MathExpression::CostOf(const Part& part) {
  switch (part.operation) {
    case Operation::kFactorial:
    case Operation::kBinomial:
      return 300;
    case Operation::kPower:
      return 30;
    default:
      return 1;
  }
}

std::optional<MathValue> MathExpression::At(uint32_t point, MathWork& work) const {
  std::vector<MathValue> values;
  values.reserve(parts_.size());
  bool rounded = false;
  for (const Part& part : parts_) {
    if (!work.Spend(CostOf(part))) return std::nullopt;
    const bool is_leaf = part.operation == Operation::kNumber || part.operation == Operation::kName;
    if (part.operation == Operation::kName) {
      values.push_back(ValueOfName(part.name, point));
    } else {
      const MathValue none;
      values.push_back(
          ValueOf(part, is_leaf ? none : values[part.left], is_leaf ? none : values[part.right]));
    }
    rounded = rounded || (RoundsZero(part.operation) && !values.back().whole);
  }
  if (values.empty()) return std::nullopt;
  values.back().rounded = rounded;
  return values.back();
}

bool MathExpression::IsWrittenNumber() const {
  return !parts_.empty() && std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.operation == Operation::kNumber || part.operation == Operation::kNegative;
  });
}

bool IsSameNumber(const MathValue& a, const MathValue& b, double factor, std::optional<double> tolerance) {
  if (!tolerance && factor == 1.0 && a.whole && b.whole) return IsSameWhole(a, b);
  if (!IsFinite(a) || !IsFinite(b)) return false;
  if (!tolerance && MayBeZero(a) && MayBeZero(b)) return true;
  const Complex other = b.number * factor;
  const double difference = std::abs(a.number - other);
  // What is exactly at the tolerance counts, though its difference is rounded.
  if (tolerance) return difference <= *tolerance * 1.01;
  const double scale = std::max(std::abs(a.number), std::abs(other));
  return difference <= (scale < kSmall ? kTolerance * scale : std::max(kTolerance, kRounding * scale));
}

bool IsSameValue(const MathExpression& a, const MathExpression& b, MathWork& work) {
  if (!a.HasNames() && !b.HasNames()) {
    const auto left = a.At(0, work);
    const auto right = b.At(0, work);
    return left && right && IsSameNumber(*left, *right);
  }
  uint32_t agreed = 0;
  for (uint32_t point = 0; point < kTries && agreed < kPoints; ++point) {
    const auto left = a.At(point, work);
    const auto right = b.At(point, work);
    if (!left || !right) return false;
    if (left->whole && right->whole) {
      if (!IsSameWhole(*left, *right)) return false;
      ++agreed;
      continue;
    }
    if (!IsFinite(*left) || !IsFinite(*right)) continue;
    // A sum of rounded numbers that is zero is not quite zero.
    const bool is_zero = (left->number == 0.0 && !a.HasNames()) || (right->number == 0.0 && !b.HasNames());
    const bool both_vanish = is_zero && std::abs(left->number - right->number) < 1e-13;
    if (!both_vanish && !IsNear(left->number, right->number, kShare)) return false;
    ++agreed;
  }
  return agreed == kPoints;
}

bool IsSameEquation(const MathExpression& a_left, const MathExpression& a_right, const MathExpression& b_left,
                    const MathExpression& b_right, bool positive, MathWork& work) {
  std::optional<Complex> ratio;
  uint32_t agreed = 0;
  for (uint32_t point = 0; point < kTries && agreed < kPoints; ++point) {
    const std::optional<MathValue> sides[] = {a_left.At(point, work), a_right.At(point, work),
                                              b_left.At(point, work), b_right.At(point, work)};
    for (const auto& side : sides) {
      if (!side) return false;
    }
    const MathValue a = Sum(*sides[0], Negative(*sides[1]));
    const MathValue b = Sum(*sides[2], Negative(*sides[3]));
    if (!IsFinite(a) || !IsFinite(b)) continue;
    const bool a_holds = std::abs(a.number) < 1e-12;
    const bool b_holds = std::abs(b.number) < 1e-12;
    if (a_holds != b_holds) return false;
    if (a_holds) continue;  // an equation that holds everywhere says nothing, and is the same as none
    const Complex here = a.number / b.number;
    if (positive && here.real() <= 0.0) return false;
    if (ratio && !IsNear(*ratio, here, kShare * 10)) return false;
    if (!ratio) ratio = here;
    ++agreed;
  }
  return agreed == kPoints;
}

}  // namespace tessy
