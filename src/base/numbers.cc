#include "base/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>

namespace tessy {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// How many digits end before `end`.
size_t DigitsBefore(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && IsDigit(text[begin - 1])) --begin;
  return end - begin;
}

}  // namespace

std::string FormatBytes(uint64_t bytes) {
  constexpr double kKibi = 1024.0;
  const auto kib = static_cast<double>(bytes) / kKibi;
  if (kib < kKibi) return fmt::format("{:.1f} KiB", kib);
  if (kib < kKibi * kKibi) return fmt::format("{:.1f} MiB", kib / kKibi);
  return fmt::format("{:.1f} GiB", kib / kKibi / kKibi);
}

std::string WithThousands(uint64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Counted(uint64_t number, std::string_view thing, std::string_view plural) {
  if (number == 1) return fmt::format("1 {}", thing);
  if (!plural.empty()) return fmt::format("{} {}", WithThousands(number), plural);
  return fmt::format("{} {}s", WithThousands(number), thing);
}

std::string Duration(double seconds) {
  const auto total = static_cast<uint64_t>(seconds + 0.5);
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

double Decimal(float value) { return std::stod(fmt::format("{}", value)); }

std::optional<double> LastNumberIn(std::string_view text) {
  const size_t end = text.find_last_of("0123456789") + 1;
  if (end == 0) return std::nullopt;
  size_t begin = end - DigitsBefore(text, end);
  std::string number(text.substr(begin, end - begin));
  if (begin > 0 && text[begin - 1] == '.') {
    const size_t point = begin - 1;
    const size_t whole = DigitsBefore(text, point);
    // After a letter the point ends a sentence.
    if (whole > 0 || point == 0 || std::isalpha(static_cast<unsigned char>(text[point - 1])) == 0) {
      begin = point - whole;
      number.insert(0, std::string(whole > 0 ? text.substr(begin, whole) : "0") + ".");
    }
  }
  size_t group = std::min(number.find('.'), number.size());
  while (group == 3 && begin > 0 && text[begin - 1] == ',') {
    group = DigitsBefore(text, begin - 1);
    if (group == 0 || group > 3) break;
    begin -= 1 + group;
    number.insert(0, text.substr(begin, group));
  }
  double value = 0.0;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace tessy
