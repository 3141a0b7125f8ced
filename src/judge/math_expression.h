#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "judge/math_value.h"

namespace tessy {

// The allowance of one comparison of answers, counted in steps: one for each part of an expression each time
// it is evaluated. When the steps are used up, nothing more is found equal. The allowance is some ten
// milliseconds of a slow processor's time, whatever the answer is.
class MathWork {
 public:
  bool Spend(size_t steps) { return (spent_ += steps) <= kAllowed; }
  size_t spent() const { return spent_; }

  static constexpr size_t kAllowed = 60'000;

 private:
  size_t spent_ = 0;
};

// An expression of one value: 3\frac12, 2\pi\sqrt{l/g}, n(n+1)/2. The text is as PlainMath leaves it. A name
// is a letter or a Greek one with what stands under it ("a_{n}"); e, i and \pi are the constants. Immutable;
// cheap to move.
class MathExpression {
 public:
  // Nothing where the text is no such expression, is nested deeper than kDeepest, or has too many parts. A
  // text of any length and content may be given.
  static std::optional<MathExpression> Parse(std::string_view text);

  // The value where every name has a value of its own that follows from the name and the number of the point:
  // positive, for n, k and m whole. Nothing when the work is used up.
  std::optional<MathValue> At(uint32_t point, MathWork& work) const;

  bool HasNames() const { return has_names_; }
  // The text is one name ("x", "a_{n}", "\alpha") and nothing else.
  bool IsName() const { return parts_.size() == 1 && parts_[0].operation == Operation::kName; }
  // The text is a number as it is written, with no operation but a sign.
  bool IsWrittenNumber() const;

  static constexpr int kDeepest = 200;
  static constexpr size_t kMostParts = 2'000;

 private:
  friend class MathParser;

  enum class Operation : uint8_t {
    kNumber,
    kName,
    kSum,
    kProduct,
    kQuotient,
    kPower,
    kRoot,
    kNegative,
    kFactorial,
    kBinomial,
    kAbsolute,
    kFloor,
    kCeiling,
    kSin,
    kCos,
    kTan,
    kCot,
    kSec,
    kCsc,
    kArcSin,
    kArcCos,
    kArcTan,
    kSinh,
    kCosh,
    kTanh,
    kLogarithm,
    kExponential,
  };
  // A part stands behind those it is made of: they are evaluated in order, without recursion.
  struct Part {
    Operation operation = Operation::kNumber;
    uint32_t left = 0;
    uint32_t right = 0;
    MathValue number = {};
    std::string name = {};
  };

  static bool RoundsZero(Operation operation);
  static size_t CostOf(const Part& part);
  static MathValue ValueOf(const Part& part, const MathValue& left, const MathValue& right);

  std::vector<Part> parts_;
  bool has_names_ = false;
};

// Whether two expressions are one. Without names: the same whole number of any length; otherwise equal to
// 1e-8, and below 1e-6 to that share of the larger; zero and what rounding may leave of a zero (1e-12, of a
// sum or a function) are one. With names: equal to 1e-9 of the larger at 8 points (spec of the evaluation:
// OlympiadBench's tolerance, which has no care for tiny numbers, mended).
bool IsSameValue(const MathExpression& a, const MathExpression& b, MathWork& work);
// As IsSameValue for numbers, with b multiplied by `factor`, and `tolerance` in place of 1e-8 where it is
// given.
bool IsSameNumber(const MathValue& a, const MathValue& b, double factor = 1.0,
                  std::optional<double> tolerance = std::nullopt);
// Whether a_left = a_right and b_left = b_right say the same: the difference of the sides of one is that of
// the other times a constant, at 8 points. `positive` asks for a positive constant, as inequalities do.
bool IsSameEquation(const MathExpression& a_left, const MathExpression& a_right, const MathExpression& b_left,
                    const MathExpression& b_right, bool positive, MathWork& work);

}  // namespace tessy
