#include "cli/validators.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace tessy {

CLI::Validator WholeNumber() {
  const auto check = [](const std::string& text) -> std::string {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return "";
    return fmt::format("{} is not a whole number from 0 to {}", text, UINT64_MAX);
  };
  return {check, ""};
}

CLI::Validator Number(double min, double max) {
  const auto check = [min, max](const std::string& text) -> std::string {
    double value = 0.0;
    if (CLI::detail::lexical_cast(text, value) && value >= min && value <= max) return "";
    return fmt::format("{} is not a number from {} to {}", text, min, max);
  };
  return {check, fmt::format("FLOAT in [{} - {}]", min, max)};
}

}  // namespace tessy
