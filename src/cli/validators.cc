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

}  // namespace tessy
