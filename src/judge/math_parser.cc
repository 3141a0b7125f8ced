#include "judge/math_parser.h"

#include <algorithm>
#include <numbers>

#include "judge/ascii.h"

namespace tessy {
namespace {}  // namespace

std::optional<MathExpression> MathParser::Parse() {
  SkipSpaces();
  const Place whole = ParseInside();
  SkipSpaces();
  if (failed_ || at_ < text_.size() || expression_.parts_.empty()) return std::nullopt;
  // What is evaluated last is the whole.
  if (whole + 1 != expression_.parts_.size()) return std::nullopt;
  return std::move(expression_);
}

MathParser::Place MathParser::Fail() {
  failed_ = true;
  return 0;
}

MathParser::Place MathParser::Add(Operation operation, Place left, Place right) {
  auto& parts = expression_.parts_;
  if (failed_ || parts.size() >= MathExpression::kMostParts) return Fail();
  parts.push_back({.operation = operation, .left = left, .right = right});
  return static_cast<Place>(parts.size() - 1);
}

MathParser::Place MathParser::AddNumber(const MathValue& value) {
  const Place place = Add(Operation::kNumber);
  if (!failed_) expression_.parts_[place].number = value;
  return place;
}

MathParser::Place MathParser::AddName(std::string name) {
  const Place place = Add(Operation::kName);
  if (failed_) return place;
  expression_.parts_[place].name = std::move(name);
  expression_.has_names_ = true;
  return place;
}

bool MathParser::Take(char c) {
  SkipSpaces();
  if (Now() != c) return false;
  ++at_;
  return true;
}

bool MathParser::TakeCommand(std::string_view name) {
  SkipSpaces();
  if (Command() != name) return false;
  at_ += name.size() + 1;
  return true;
}

MathParser::Place MathParser::ParseSum() {
  const Level level(*this);
  Place sum = ParseProduct();
  while (!failed_) {
    if (Take('+')) {
      const Place term = ParseProduct();
      sum = Add(Operation::kSum, sum, term);
    } else if (Take('-')) {
      const Place term = Add(Operation::kNegative, ParseProduct());
      sum = Add(Operation::kSum, sum, term);
    } else {
      break;
    }
  }
  return sum;
}

MathParser::Place MathParser::ParseInside() {
  const Place inner = ParseSum();
  if (TakeCommand("over")) {
    const Place below = ParseSum();
    return Add(Operation::kQuotient, inner, below);
  }
  if (TakeCommand("choose")) {
    const Place below = ParseSum();
    return Add(Operation::kBinomial, inner, below);
  }
  return inner;
}

MathParser::Place MathParser::ParseProduct() {
  SkipSpaces();
  size_t from = at_;
  Place product = ParseSigned();
  while (!failed_) {
    SkipSpaces();
    const bool is_whole = IsWholeText(text_.substr(from, at_ - from));
    from = text_.size();
    if (Take('*')) {
      const Place factor = ParseSigned();
      product = Add(Operation::kProduct, product, factor);
    } else if (Take('/')) {
      const Place factor = ParseSigned();
      product = Add(Operation::kQuotient, product, factor);
    } else if (is_whole && StartsMixedFraction()) {
      const Place fraction = ParseMixedFraction();
      product = Add(Operation::kSum, product, fraction);
    } else if (StartsFactor()) {
      // Two numbers side by side are no product: "15 4".
      if (IsDigit(Now()) || Now() == '.') return Fail();
      const Place factor = ParsePower();
      product = Add(Operation::kProduct, product, factor);
    } else {
      break;
    }
  }
  return product;
}

bool MathParser::IsWholeText(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

bool MathParser::StartsMixedFraction() {
  const size_t begin = at_;
  bool found = false;
  if (TakeCommand("frac")) {
    const bool above = SkipWholeArgument();
    found = above && SkipWholeArgument();
  } else if (IsDigit(Now())) {
    while (IsDigit(Now())) ++at_;
    found = Now() == '/' && IsDigit(Now(1));
  }
  at_ = begin;
  return found;
}

bool MathParser::SkipWholeArgument() {
  SkipSpaces();
  if (IsDigit(Now())) {
    ++at_;
    return true;
  }
  if (!Take('{')) return false;
  SkipSpaces();
  if (!IsDigit(Now())) return false;
  while (IsDigit(Now())) ++at_;
  return Take('}');
}

MathParser::Place MathParser::ParseMixedFraction() {
  if (Now() == '\\') return ParsePower();
  const Place above = ParseNumber();
  Take('/');
  const Place below = ParseNumber();
  return Add(Operation::kQuotient, above, below);
}

MathParser::Place MathParser::ParseSigned() {
  bool negative = false;
  while (true) {
    if (Take('-')) {
      negative = !negative;
    } else if (!Take('+')) {
      break;
    }
  }
  const Place power = ParsePower();
  return negative ? Add(Operation::kNegative, power) : power;
}

MathParser::Place MathParser::ParsePower() {
  const Level level(*this);
  if (failed_) return 0;
  Place base = ParseAtom();
  while (!failed_) {
    SkipSpaces();
    if (Take('!')) {
      base = Add(Operation::kFactorial, base);
    } else if (Take('%')) {
      const Place hundred = AddNumber(Whole(100));
      base = Add(Operation::kQuotient, base, hundred);
    } else if (Take('^')) {
      base = ParseExponentOf(base);
    } else {
      break;
    }
  }
  return base;
}

MathParser::Place MathParser::ParseExponentOf(Place base) {
  SkipSpaces();
  const size_t begin = at_;
  const bool braces = Take('{');
  if (TakeCommand("circ") && (!braces || Take('}'))) {
    const Place degree = AddNumber(Real(std::numbers::pi / 180.0));
    return Add(Operation::kProduct, base, degree);
  }
  at_ = begin;
  const Place exponent = ParseExponent();
  return Add(Operation::kPower, base, exponent);
}

MathParser::Place MathParser::ParseExponent() {
  const Level level(*this);
  if (failed_) return 0;
  const bool negative = Take('-');
  SkipSpaces();
  Place exponent = IsDigit(Now()) ? ParseNumber() : ParseArgument();
  if (Take('^')) {
    const Place above = ParseExponent();
    exponent = Add(Operation::kPower, exponent, above);
  }
  return negative ? Add(Operation::kNegative, exponent) : exponent;
}

MathParser::Place MathParser::ParseArgument() {
  const Level level(*this);
  SkipSpaces();
  if (failed_) return 0;
  if (IsDigit(Now())) return AddNumber(WholeFromDigits(text_.substr(at_++, 1)));
  return ParseAtom();
}

MathParser::Place MathParser::ParseGroup() {
  const Level level(*this);
  if (failed_) return 0;
  const char closing = Now() == '(' ? ')' : Now() == '[' ? ']' : '}';
  ++at_;
  const int bars = std::exchange(bars_, 0);
  const Place inner = ParseInside();
  bars_ = bars;
  return Take(closing) ? inner : Fail();
}

std::optional<MathExpression> MathExpression::Parse(std::string_view text) {
  return MathParser(text).Parse();
}

}  // namespace tessy
