#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "judge/math_expression.h"

namespace tessy {

// An answer as it is compared: what kind of thing it is, and its parts. Expected and given answers are put
// into the same form.
struct AnswerForm {
  enum class Kind : uint8_t {
    kNothing,   // there is no answer
    kWords,     // what is none of the others; `plain` is all that is known of it
    kValue,     // one number or expression
    kEquation,  // of two expressions, neither of which is a name: sides
    kRelation,  // <, <=, > or \neq between expressions: sides; > is turned round
    kChain,     // a = b = c: items
    kList,      // several answers in any order, a set, a union: items
    kEmptySet,
    kBracket,  // a tuple or an interval: items, brackets
    kMatrix,   // rows that are lists: items
  };

  Kind kind = Kind::kNothing;
  std::string plain = {};   // the text by PlainMath, without blanks; equal texts are equal answers
  std::string folded = {};  // the same in lower case
  bool has_words = false;   // the case of letters does not matter
  std::string name = {};    // "x" of x = 5, x \in [0,1] and x > 0; "f(x)", "(x,y)"
  std::vector<MathExpression> sides = {};  // of a value one; of an equation, also of x = 5, two
  std::string sign = {};                   // of kRelation
  std::vector<AnswerForm> items = {};
  char open = '\0';  // of kBracket
  char close = '\0';
  bool percent = false;   // the value was written with a percent sign, which is not in `sides`
  bool degrees = false;   // likewise a degree sign
  std::string unit = {};  // of a value, if it is a known one
  // 1,234 is a number; this is what else it may be.
  std::vector<AnswerForm> as_list = {};
};

// Never fails: a text that nothing else fits is words. `text` is the answer alone, in any dressing (see
// PlainMath); texts longer than kLongestAnswer are words. Pure.
AnswerForm FormOf(std::string_view text);

inline constexpr size_t kLongestAnswer = 4'000;

// Whether `given` is the answer `expected`, in this order: the same text; whole numbers of any length
// exactly; numbers (see IsSameValue); lists as multisets; tuples, intervals, matrices item by item, an
// inequality as its interval; expressions and equations at points. x = 5 is 5; but where both have names, the
// names have to agree. A percent sign on one side alone means a hundredth or nothing; degrees are pi/180 or
// nothing. `tolerances`: absolute, in place of 1e-8, one for all numbers or one for each item of the expected
// list.
bool IsSameAnswer(const AnswerForm& expected, const AnswerForm& given, MathWork& work,
                  std::span<const double> tolerances = {});

}  // namespace tessy
