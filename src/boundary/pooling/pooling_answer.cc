#include "boundary/pooling/pooling_answer.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

const Json* ListOf(const Json& value, std::string_view key) {
  const Json* list = value.is_object() ? Member(value, key) : nullptr;
  return list != nullptr && list->is_array() ? list : nullptr;
}

// P(style) of an entry's last token; -1 if the entry has another form.
float StyleOf(const Json& entry) {
  const Json* tokens = ListOf(entry, "data");
  if (tokens == nullptr || tokens->empty()) return -1.0F;
  const Json& last = tokens->back();
  if (!last.is_array() || last.size() != 2 || !last[0].is_number() || !last[1].is_number()) return -1.0F;
  const auto p = last[1].get<double>();
  return p >= 0.0 && p <= 1.0 ? static_cast<float>(p) : -1.0F;
}

}  // namespace

std::optional<std::vector<float>> ReadPoolingAnswer(std::string_view answer, size_t inputs) {
  const Json json = ParseServerJson(answer);
  const Json* data = ListOf(json, "data");
  if (data == nullptr || data->size() != inputs) return std::nullopt;
  std::vector<float> p_style(inputs, -1.0F);
  for (size_t i = 0; i < inputs; ++i) {
    const Json& entry = (*data)[i];
    const float p = StyleOf(entry);
    const bool placed = p >= 0.0F && Member(entry, "index") != nullptr;
    const int64_t place = placed ? CountOf(entry, "index") : static_cast<int64_t>(i);
    if (p < 0.0F || place < 0 || static_cast<size_t>(place) >= inputs) return std::nullopt;
    p_style[static_cast<size_t>(place)] = p;
  }
  if (std::any_of(p_style.begin(), p_style.end(), [](float p) { return p < 0.0F; })) return std::nullopt;
  return p_style;
}

}  // namespace tessy
