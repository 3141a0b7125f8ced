#include "base/numbers.h"

#include <fmt/format.h>

namespace tessy {

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

}  // namespace tessy
