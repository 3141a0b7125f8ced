#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "judge/ascii.h"
#include "judge/math_parser.h"

namespace tessy {
namespace {

constexpr std::string_view kNames[] = {
    "alpha",  "beta",  "gamma", "delta", "epsilon", "zeta",   "eta",    "theta",   "iota",  "kappa",
    "lambda", "mu",    "nu",    "xi",    "rho",     "sigma",  "tau",    "upsilon", "phi",   "chi",
    "psi",    "omega", "Gamma", "Delta", "Theta",   "Lambda", "Xi",     "Pi",      "Sigma", "Phi",
    "Psi",    "Omega", "ell",   "hbar",  "infty",   "nabla",  "partial"};
// Commands whose argument belongs to the name: \vec{a} is another name than a.
constexpr std::string_view kAccents[] = {"vec",    "hat",    "bar",      "overline",       "widehat",
                                         "tilde",  "angle",  "triangle", "overrightarrow", "dot",
                                         "mathbb", "mathcal"};

}  // namespace

std::string_view MathParser::Command() const {
  if (Now() != '\\') return {};
  size_t end = at_ + 1;
  while (end < text_.size() && IsLetter(text_[end])) ++end;
  return text_.substr(at_ + 1, end - at_ - 1);
}

std::string_view MathParser::PlainWord() const {
  size_t end = at_;
  while (end < text_.size() && IsLetter(text_[end])) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  const bool known = word == "sqrt" || word == "pi" || FindFunction(word) != nullptr;
  return known ? word : std::string_view();
}

const MathParser::Function* MathParser::FindFunction(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const Function& function) { return function.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

bool MathParser::StartsFactor() const {
  const char c = Now();
  if (IsDigit(c) || IsLetter(c) || c == '(' || c == '[' || c == '{') return true;
  if (c == '.') return IsDigit(Now(1));
  if (c == '|') return bars_ == 0;
  if (c != '\\') return false;
  const std::string_view command = Command();
  return command == "frac" || command == "sqrt" || command == "binom" || command == "pi" ||
         command == "lfloor" || command == "lceil" || Holds(kNames, command) || Holds(kAccents, command) ||
         FindFunction(command) != nullptr;
}

MathParser::Place MathParser::ParseAtom() {
  SkipSpaces();
  const char c = Now();
  if (IsDigit(c) || c == '.') return ParseNumber();
  if (c == '(' || c == '[' || c == '{') return ParseGroup();
  if (c == '|') return ParseBars();
  if (c == '\\') return ParseCommand();
  const std::string_view word = PlainWord();
  if (word == "sqrt") {
    at_ += word.size();
    return Add(Operation::kRoot, ParseArgument(), AddNumber(Whole(2)));
  }
  if (word == "pi") {
    at_ += word.size();
    return AddNumber(Real(std::numbers::pi));
  }
  if (const Function* function = FindFunction(word); function != nullptr) {
    at_ += word.size();
    return ParseFunction(*function);
  }
  return IsLetter(c) ? ParseName(std::string(1, c), 1) : Fail();
}

MathParser::Place MathParser::ParseBars() {
  const Level level(*this);
  if (failed_) return 0;
  ++at_;
  ++bars_;
  const Place inner = ParseSum();
  --bars_;
  return Take('|') ? Add(Operation::kAbsolute, inner) : Fail();
}

MathParser::Place MathParser::ParseRounding(Operation operation, std::string_view closing) {
  const Level level(*this);
  if (failed_) return 0;
  const Place inner = ParseSum();
  return TakeCommand(closing) ? Add(operation, inner) : Fail();
}

MathParser::Place MathParser::ParseNumber() {
  const size_t begin = at_;
  while (IsDigit(Now())) ++at_;
  const std::string_view whole = text_.substr(begin, at_ - begin);
  std::string_view decimals;
  if (Now() == '.') {
    const size_t point = ++at_;
    while (IsDigit(Now())) ++at_;
    decimals = text_.substr(point, at_ - point);
  }
  if (whole.empty() && decimals.empty()) return Fail();
  if (whole.size() + decimals.size() < at_ - begin && Command() == "overline")
    return ParseRepeating(whole, decimals);
  const size_t sign = Now(1) == '-' || Now(1) == '+' ? 1 : 0;
  if ((Now() == 'e' || Now() == 'E') && IsDigit(Now(1 + sign))) {
    at_ += 1 + sign;
    while (IsDigit(Now())) ++at_;
  } else if (decimals.find_first_not_of('0') == std::string_view::npos) {
    return ParseBase(whole.empty() ? "0" : whole);
  }
  double value = 0.0;
  const auto read = std::from_chars(text_.data() + begin, text_.data() + at_, value);
  if (read.ec != std::errc()) return Fail();
  if (std::floor(value) == value && std::abs(value) < 9e15)
    return AddNumber(Whole(static_cast<int64_t>(value)));
  return AddNumber(Real(value));
}

MathParser::Place MathParser::ParseRepeating(std::string_view whole, std::string_view decimals) {
  at_ += std::string_view("\\overline").size();
  const std::string repeated = RawArgument();
  if (repeated.empty() || !std::all_of(repeated.begin(), repeated.end(), IsDigit)) return Fail();
  // 0.1\overline{6} is (16 - 1) / 90.
  const std::string before = std::string(whole) + std::string(decimals);
  const MathValue all = WholeFromDigits(before + repeated);
  const MathValue above = Sum(all, Negative(WholeFromDigits(before)));
  const MathValue below =
      WholeFromDigits(std::string(repeated.size(), '9') + std::string(decimals.size(), '0'));
  return AddNumber(Quotient(above, below));
}

MathParser::Place MathParser::ParseBase(std::string_view digits) {
  if (Now() != '_') return AddNumber(WholeFromDigits(digits));
  ++at_;
  const std::string base = RawArgument();
  if (base.empty()) return Fail();
  return base == "10" ? AddNumber(WholeFromDigits(digits)) : AddName(std::string(digits) + "_" + base);
}

std::string MathParser::RawArgument() {
  SkipSpaces();
  std::string raw;
  if (IsLetter(Now()) || IsDigit(Now())) {
    raw = text_.substr(at_++, 1);
  } else if (Now() == '\\' && !Command().empty()) {
    raw = "\\" + std::string(Command());
    at_ += raw.size();
  } else if (Now() == '{') {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      depth += Now() == '{' ? 1 : Now() == '}' ? -1 : 0;
      if (depth == 0) break;
      if (!IsSpace(Now()) && Now() != '{' && Now() != '}') raw += Now();
    }
    if (at_ < text_.size()) ++at_;
  }
  return raw;
}

MathParser::Place MathParser::ParseName(std::string name, size_t letters) {
  at_ += letters;
  if (Now() == '_') {
    ++at_;
    name += "_" + RawArgument();
  } else if (name == "e") {
    return AddNumber(Real(std::numbers::e));
  } else if (name == "i") {
    return AddNumber({.number = {0.0, 1.0}});
  }
  while (Now() == '\'') {
    name += '\'';
    ++at_;
  }
  return AddName(std::move(name));
}

MathParser::Place MathParser::ParseCommand() {
  const std::string_view command = Command();
  if (const Function* function = FindFunction(command); function != nullptr) {
    at_ += command.size() + 1;
    return ParseFunction(*function);
  }
  if (Holds(kNames, command)) return ParseName("\\" + std::string(command), command.size() + 1);
  at_ += command.size() + 1;
  if (command == "pi") return AddNumber(Real(std::numbers::pi));
  if (command == "frac" || command == "binom") {
    const Place above = ParseArgument();
    const Place below = ParseArgument();
    return Add(command == "frac" ? Operation::kQuotient : Operation::kBinomial, above, below);
  }
  if (command == "sqrt") return ParseRoot();
  if (command == "lfloor") return ParseRounding(Operation::kFloor, "rfloor");
  if (command == "lceil") return ParseRounding(Operation::kCeiling, "rceil");
  if (Holds(kAccents, command)) {
    std::string argument = RawArgument();
    return argument.empty() ? Fail() : ParseName("\\" + std::string(command) + argument, 0);
  }
  return Fail();
}

MathParser::Place MathParser::ParseRoot() {
  const Level level(*this);
  if (failed_) return 0;
  SkipSpaces();
  const Place degree = Now() == '[' ? ParseGroup() : AddNumber(Whole(2));
  const Place radicand = ParseArgument();
  return Add(Operation::kRoot, radicand, degree);
}

MathParser::Place MathParser::ParseFunction(const Function& function) {
  const Level level(*this);
  if (failed_) return 0;
  Operation operation = function.operation;
  std::optional<Place> base;
  std::optional<Place> exponent;
  if (operation == Operation::kLogarithm && Take('_')) base = ParseArgument();
  if (Take('^')) {
    const size_t begin = at_;
    exponent = ParseExponent();
    const std::string_view written = text_.substr(begin, at_ - begin);
    if ((written == "{-1}" || written == "-1") && function.inverse != operation) {
      operation = function.inverse;
      exponent.reset();
      // The exponent's parts stay behind, unused: the order of the others is what counts.
    }
  }
  Place value = Add(operation, ParseFunctionArgument());
  if (base) {
    const Place below = Add(Operation::kLogarithm, *base);
    value = Add(Operation::kQuotient, value, below);
  }
  return exponent ? Add(Operation::kPower, value, *exponent) : value;
}

MathParser::Place MathParser::ParseFunctionArgument() {
  SkipSpaces();
  if (Now() == '(' || Now() == '{' || Now() == '[') {
    const Place group = ParseGroup();
    return group;
  }
  const bool negative = Take('-');
  Place argument = ParsePower();
  while (!failed_) {
    SkipSpaces();
    if (!StartsFactor() || StartsFunction()) break;
    if (IsDigit(Now()) || Now() == '.') return Fail();
    const Place factor = ParsePower();
    argument = Add(Operation::kProduct, argument, factor);
  }
  return negative ? Add(Operation::kNegative, argument) : argument;
}

}  // namespace tessy
