#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "judge/math_expression.h"

namespace tessy {

// Reads an expression by recursive descent. Only MathExpression::Parse makes one; the rules of sums, products
// and powers are in math_parser.cc, those of numbers, names and commands in math_atoms.cc.
class MathParser {
 public:
  explicit MathParser(std::string_view text) : text_(text) {}

  std::optional<MathExpression> Parse();

 private:
  using Operation = MathExpression::Operation;
  using Place = uint32_t;
  struct Function {
    std::string_view name;
    Operation operation;
    Operation inverse;  // what \sin^{-1} means; itself where it means a power
  };
  static constexpr Function kFunctions[] = {
      {"sin", Operation::kSin, Operation::kArcSin},
      {"cos", Operation::kCos, Operation::kArcCos},
      {"tan", Operation::kTan, Operation::kArcTan},
      {"cot", Operation::kCot, Operation::kCot},
      {"sec", Operation::kSec, Operation::kSec},
      {"csc", Operation::kCsc, Operation::kCsc},
      {"arcsin", Operation::kArcSin, Operation::kArcSin},
      {"arccos", Operation::kArcCos, Operation::kArcCos},
      {"arctan", Operation::kArcTan, Operation::kArcTan},
      {"sinh", Operation::kSinh, Operation::kSinh},
      {"cosh", Operation::kCosh, Operation::kCosh},
      {"tanh", Operation::kTanh, Operation::kTanh},
      {"ln", Operation::kLogarithm, Operation::kLogarithm},
      {"log", Operation::kLogarithm, Operation::kLogarithm},
      {"exp", Operation::kExponential, Operation::kExponential},
  };

  // Guards the depth of the recursion; every rule that can come back to itself holds one.
  class Level {
   public:
    explicit Level(MathParser& parser) : parser_(parser) {
      if (++parser_.depth_ > MathExpression::kDeepest) parser_.Fail();
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    MathParser& parser_;
  };

  Place Fail();
  Place Add(Operation operation, Place left = 0, Place right = 0);
  Place AddNumber(const MathValue& value);
  Place AddName(std::string name);

  char Now(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void SkipSpaces() {
    while (Now() == ' ' || Now() == '\n' || Now() == '\t' || Now() == '\r') ++at_;
  }
  bool Take(char c);
  // The name of the command that comes next, if one does.
  std::string_view Command() const;
  bool TakeCommand(std::string_view name);
  // The letters that come next, without a backslash, if they are a function or a constant of two letters.
  std::string_view PlainWord() const;
  static const Function* FindFunction(std::string_view name);
  bool StartsFunction() const { return FindFunction(Now() == '\\' ? Command() : PlainWord()) != nullptr; }
  bool StartsFactor() const;

  Place ParseSum();
  // All of a group: {3 \over 4} and {5 \choose 2} take what is around them.
  Place ParseInside();
  Place ParseProduct();
  static bool IsWholeText(std::string_view text);

  // The fraction of a mixed number: \frac12, \frac{1}{2}, or 1/2 after a blank.
  bool StartsMixedFraction();
  bool SkipWholeArgument();
  Place ParseMixedFraction();
  Place ParseSigned();
  Place ParsePower();
  Place ParseExponentOf(Place base);

  // Parses the exponent behind "^". Models write x^10 and x^-1 where LaTeX wants braces.
  Place ParseExponent();

  // The argument of a command: a group, a command with its own arguments, or one digit or letter.
  Place ParseArgument();
  Place ParseAtom();
  Place ParseGroup();
  Place ParseBars();
  Place ParseRounding(Operation operation, std::string_view closing);
  Place ParseNumber();
  // 0.1\overline{6}
  Place ParseRepeating(std::string_view whole, std::string_view decimals);

  // 116_{10} is 116; a number to another base is kept as a name, the same only as itself.
  Place ParseBase(std::string_view digits);

  // The text of a group, or of one character, without blanks.
  std::string RawArgument();
  Place ParseName(std::string name, size_t letters);
  Place ParseCommand();
  Place ParseRoot();
  Place ParseFunction(const Function& function);

  // \sin(x), or \sin 2x: the factors up to the next sign or function.
  Place ParseFunctionArgument();

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  int bars_ = 0;  // absolute values that are open in this group
  bool failed_ = false;
  MathExpression expression_;
};

}  // namespace tessy
