#include <cstddef>

#include "judge/ascii.h"
#include "judge/math_text.h"

namespace tessy {
namespace {

struct Unit {
  std::string_view written;  // without the s of the plural
  std::string_view name;
};

constexpr Unit kUnits[] = {
    {"cm", "cm"},         {"centimeter", "cm"}, {"centimetre", "cm"}, {"mm", "mm"},
    {"millimeter", "mm"}, {"millimetre", "mm"}, {"km", "km"},         {"kilometer", "km"},
    {"kilometre", "km"},  {"m", "m"},           {"meter", "m"},       {"metre", "m"},
    {"nm", "nm"},         {"inch", "inch"},     {"inches", "inch"},   {"foot", "foot"},
    {"feet", "foot"},     {"ft", "foot"},       {"mile", "mile"},     {"yard", "yard"},
    {"kg", "kg"},         {"kilogram", "kg"},   {"g", "g"},           {"gram", "g"},
    {"mg", "mg"},         {"pound", "pound"},   {"lb", "pound"},      {"s", "s"},
    {"sec", "s"},         {"second", "s"},      {"ms", "ms"},         {"min", "min"},
    {"minute", "min"},    {"h", "h"},           {"hr", "h"},          {"hour", "h"},
    {"day", "day"},       {"week", "week"},     {"month", "month"},   {"year", "year"},
    {"l", "l"},           {"L", "l"},           {"liter", "l"},       {"litre", "l"},
    {"ml", "ml"},         {"mL", "ml"},         {"N", "N"},           {"newton", "N"},
    {"J", "J"},           {"joule", "J"},       {"kJ", "kJ"},         {"W", "W"},
    {"watt", "W"},        {"kW", "kW"},         {"V", "V"},           {"volt", "V"},
    {"A", "A"},           {"K", "K"},           {"Hz", "Hz"},         {"hertz", "Hz"},
    {"Pa", "Pa"},         {"pascal", "Pa"},     {"kPa", "kPa"},       {"C", "C"},
    {"F", "F"},           {"T", "T"},           {"eV", "eV"},         {"mol", "mol"},
    {"\\Omega", "ohm"},   {"ohm", "ohm"},       {"dollar", "dollar"}, {"cent", "cent"},
    {"unit", ""},         {"euro", "euro"},     {"mph", "mph"},       {"people", ""},
    {"points", ""},       {"times", ""},
};

const Unit* FindUnit(std::string_view word) {
  for (const std::string_view form : {word, word.substr(0, word.size() - (word.ends_with('s') ? 1 : 0))}) {
    for (const Unit& unit : kUnits) {
      if (unit.written == form) return &unit;
    }
  }
  return nullptr;
}

// "^2", "^{3}" at the end of the text.
std::string_view WithoutPower(std::string_view text) {
  const size_t caret = text.rfind('^');
  if (caret == std::string_view::npos || caret == 0) return text;
  const std::string_view power = text.substr(caret + 1);
  const bool is_power = power == "2" || power == "3" || power == "{2}" || power == "{3}" || power == "{-1}";
  return is_power ? Trimmed(text.substr(0, caret)) : text;
}

}  // namespace

MathUnit TakeUnit(std::string_view text) {
  const MathUnit none{.rest = text, .name = "", .found = false};
  const std::string_view body = WithoutPower(text);
  const bool powered = body.size() != text.size();
  const std::string power = powered ? std::string(text.substr(body.size())) : "";
  if (body.ends_with('}')) {
    const size_t begin = body.rfind("\\text{");
    if (begin == std::string_view::npos || body.find('}', begin) != body.size() - 1) return none;
    const std::string_view rest = Trimmed(body.substr(0, begin));
    const std::string_view words = body.substr(begin + 6, body.size() - begin - 7);
    const Unit* unit = FindUnit(words);
    if (rest.empty() ||
        (unit == nullptr && !IsDigit(rest.back()) && rest.back() != '}' && rest.back() != ')')) {
      return none;
    }
    return {.rest = rest,
            .name = unit == nullptr || unit->name.empty() ? "" : std::string(unit->name) + power,
            .found = true};
  }
  size_t begin = body.size();
  while (begin > 0 && IsLetter(body[begin - 1])) --begin;
  if (begin > 0 && body[begin - 1] == '\\') --begin;
  const std::string_view word = body.substr(begin);
  const std::string_view rest = Trimmed(body.substr(0, begin));
  const bool after_number =
      !rest.empty() && (IsDigit(rest.back()) || rest.back() == '.' || rest.back() == '}');
  // 25^\circ C
  if (!word.empty() && (rest.ends_with("\\circ") || rest.ends_with("\\circ}")) && FindUnit(word) != nullptr) {
    return {.rest = rest, .name = std::string(FindUnit(word)->name), .found = true};
  }
  if (word.empty() || !after_number) return none;
  const bool is_letter = word.size() == 1 || word[0] == '\\';
  if (is_letter && body[begin - 1] != ' ') return none;
  const Unit* unit = FindUnit(word);
  if (unit != nullptr) {
    return {.rest = rest, .name = unit->name.empty() ? "" : std::string(unit->name) + power, .found = true};
  }
  return none;
}

}  // namespace tessy
