#include "model/text/class_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tessy {
namespace {

enum class Meaning { kNone, kStyle, kCapability, kOther };

// Without case and what divides words.
std::string Plain(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != ' ') {
      plain += c;
    }
  }
  return plain;
}

Meaning MeaningOf(std::string_view name) {
  constexpr std::array<std::string_view, 4> kStyles{"style", "stylistic", "styletoken", "isstyle"};
  constexpr std::array<std::string_view, 6> kCapabilities{"capability", "nonstyle",  "notstyle",
                                                          "capable",    "reasoning", "capabilitytoken"};
  std::string plain = Plain(name);
  if (std::ranges::find(kStyles, plain) != kStyles.end()) return Meaning::kStyle;
  if (std::ranges::find(kCapabilities, plain) != kCapabilities.end()) return Meaning::kCapability;
  for (const std::string_view prefix : {"label", "class"}) {
    if (plain.starts_with(prefix)) plain.erase(0, prefix.size());
  }
  const bool is_number = plain.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? Meaning::kNone : Meaning::kOther;
}

}  // namespace

Result<int> StyleClass(std::span<const std::string> names) {
  if (names.size() != 2) return 1;
  const Meaning first = MeaningOf(names[0]);
  const Meaning second = MeaningOf(names[1]);
  const bool told = first != second;
  if (told && (first == Meaning::kStyle || second == Meaning::kCapability)) return 0;
  if (told && (first == Meaning::kCapability || second == Meaning::kStyle)) return 1;
  if (first == Meaning::kNone && second == Meaning::kNone) return 1;
  return Fail(ErrorCode::kInvalidData,
              fmt::format("its classes are named \"{}\", which does not say which is style; name them "
                          "\"capability\" and \"style\"",
                          fmt::join(names, "\" and \"")));
}

}  // namespace tessy
