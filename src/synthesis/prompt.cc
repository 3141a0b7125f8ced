#include "synthesis/prompt.h"

#include <algorithm>

namespace tessy {

std::string FillIn(std::string_view prompt,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string text;
  while (!prompt.empty()) {
    const auto* next =
        std::ranges::min_element(values, {}, [&](const auto& value) { return prompt.find(value.first); });
    const size_t at = next == values.end() ? std::string_view::npos : prompt.find(next->first);
    text += prompt.substr(0, at);
    if (at == std::string_view::npos) break;
    text += next->second;
    prompt.remove_prefix(at + next->first.size());
  }
  return text;
}

}  // namespace tessy
