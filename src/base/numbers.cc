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

double Decimal(float value) { return std::stod(fmt::format("{}", value)); }

}  // namespace tessy
