#include "synthesis/prompt.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/append_file.h"

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

Result<std::string> ReadPrompt(const std::string& path, std::string_view built_in,
                               std::initializer_list<std::string_view> places) {
  if (path.empty()) return std::string(built_in);
  auto text = ReadText(path);
  if (!text) return text;
  for (const std::string_view place : places) {
    if (text->find(place) == std::string::npos) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: has no {} in it", path, place));
    }
  }
  return text;
}

}  // namespace tessy
