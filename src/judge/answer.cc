#include "judge/answer.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace tessy {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsChoice(std::string_view text) { return text.size() == 1 && text[0] >= 'A' && text[0] <= 'J'; }

// The content of the last \boxed{…}, braces inside it balanced.
std::optional<std::string_view> LastBoxed(std::string_view text) {
  constexpr std::string_view kBoxed = "\\boxed{";
  const size_t at = text.rfind(kBoxed);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + kBoxed.size());
  int depth = 1;
  for (size_t i = 0; i < rest.size(); ++i) {
    depth += rest[i] == '{' ? 1 : rest[i] == '}' ? -1 : 0;
    if (depth == 0) return rest.substr(0, i);
  }
  return std::nullopt;
}

// Numbers as people write them: -3, 1,250, 0.5, 3/4, \frac{3}{4}. Other text is passed over.
std::vector<double> Numbers(std::string_view text) {
  std::string plain(text);
  for (const std::string_view command : {"\\dfrac{", "\\tfrac{", "\\frac{"}) {
    for (size_t at = plain.find(command); at != std::string::npos; at = plain.find(command, at)) {
      const size_t middle = plain.find("}{", at);
      const size_t end = middle == std::string::npos ? middle : plain.find('}', middle + 2);
      if (end == std::string::npos) break;
      const std::string fraction = plain.substr(at + command.size(), middle - at - command.size()) + "/" +
                                   plain.substr(middle + 2, end - middle - 2);
      plain.replace(at, end + 1 - at, fraction);
    }
  }
  std::vector<double> numbers;
  const auto digits_from = [&](size_t at) {
    size_t end = at;
    while (
        end < plain.size() &&
        (IsDigit(plain[end]) || (plain[end] == '.' && end + 1 < plain.size() && IsDigit(plain[end + 1])) ||
         (plain[end] == ',' && end + 3 < plain.size() && IsDigit(plain[end + 1]) && IsDigit(plain[end + 2]) &&
          IsDigit(plain[end + 3]) && (end + 4 == plain.size() || !IsDigit(plain[end + 4]))))) {
      ++end;
    }
    return end;
  };
  const auto value_of = [&](size_t begin, size_t end) {
    std::string digits = plain.substr(begin, end - begin);
    std::erase(digits, ',');
    double value = 0.0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  for (size_t at = 0; at < plain.size();) {
    if (!IsDigit(plain[at])) {
      ++at;
      continue;
    }
    const size_t end = digits_from(at);
    double value = value_of(at, end);
    // A sign belongs to the number unless something stands right before it ("5-3").
    const bool negative =
        at > 0 && plain[at - 1] == '-' &&
        (at == 1 || !(IsDigit(plain[at - 2]) || IsLetter(plain[at - 2]) || plain[at - 2] == ')'));
    size_t next = end;
    if (end + 1 < plain.size() && plain[end] == '/' && IsDigit(plain[end + 1])) {
      next = digits_from(end + 1);
      const double divisor = value_of(end + 1, next);
      value = divisor == 0.0 ? NAN : value / divisor;
    }
    numbers.push_back(negative ? -value : value);
    at = next;
  }
  return numbers;
}

// True if the text holds only numbers and the marks that may stand between them.
bool IsNumeric(std::string_view text) {
  const std::string_view rest = text.substr(std::min(text.size(), text.find_first_not_of(" $")));
  return !rest.empty() && rest.find_first_not_of("0123456789.,/- $\\{}frac") == std::string_view::npos &&
         !Numbers(rest).empty();
}

bool IsSame(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) || c == '$') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  while (plain.ends_with('.')) plain.pop_back();
  return plain;
}

std::string_view LastLine(std::string_view text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

std::string LastChoice(std::string_view text) {
  for (size_t i = text.size(); i-- > 0;) {
    if (!IsChoice(text.substr(i, 1))) continue;
    const bool alone =
        (i == 0 || !(IsLetter(text[i - 1]) || IsDigit(text[i - 1]) || text[i - 1] == '\'')) &&
        (i + 1 == text.size() || !(IsLetter(text[i + 1]) || IsDigit(text[i + 1]) || text[i + 1] == '\''));
    // "I" and "A" are also English words, so they count only in brackets or at the end.
    const bool is_word = (text[i] == 'I' || text[i] == 'A') && i + 1 < text.size() && text[i + 1] == ' ';
    if (alone && !is_word) return std::string(text.substr(i, 1));
  }
  return "";
}

}  // namespace

std::string ExtractAnswer(std::string_view answer, std::string_view expected) {
  const std::string_view text = LastBoxed(answer).value_or(answer);
  if (IsChoice(expected)) return LastChoice(text);
  if (!IsNumeric(expected)) return std::string(text.data() == answer.data() ? LastLine(text) : text);
  const size_t wanted = Numbers(expected).size();
  const auto numbers = Numbers(text);
  std::string found;
  for (size_t i = numbers.size() < wanted ? 0 : numbers.size() - wanted; i < numbers.size(); ++i) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, numbers[i]).ptr;
    found.append(found.empty() ? "" : " ").append(digits, end);
  }
  return found;
}

bool IsRightAnswer(std::string_view answer, std::string_view expected) {
  const std::string_view text = LastBoxed(answer).value_or(answer);
  if (IsChoice(expected)) return LastChoice(text) == expected;
  if (!IsNumeric(expected)) return Plain(ExtractAnswer(answer, expected)) == Plain(expected);
  const auto wanted = Numbers(expected);
  const auto numbers = Numbers(text);
  return numbers.size() >= wanted.size() &&
         std::equal(wanted.rbegin(), wanted.rend(), numbers.rbegin(), IsSame);
}

std::optional<std::string> ExpectedAnswer(std::string_view source_json) {
  const auto json = nlohmann::json::parse(source_json.empty() ? "{}" : source_json, nullptr, false);
  const auto it = json.is_object() ? json.find("answer") : json.end();
  if (!json.is_object() || it == json.end()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  if (it->is_number()) return it->dump();
  return std::nullopt;
}

}  // namespace tessy
