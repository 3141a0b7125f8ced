#include <algorithm>

#include "base/utf8.h"
#include "dataset/formats/format.h"

namespace tessy {

float LossWeights::Of(SpanKind kind) const {
  switch (kind) {
    case SpanKind::kStyle:
      return style;
    case SpanKind::kCapability:
      return capability;
    case SpanKind::kThinking:
      return thinking;
    case SpanKind::kAnswer:
      return answer;
  }
  return markup;
}

bool LossWeights::by_part() const {
  return std::ranges::any_of(std::initializer_list<float>{capability, style, thinking, answer, markup},
                             [](float weight) { return weight != 1.0F; });
}

bool LossWeights::is_fractional() const {
  return std::ranges::any_of(std::initializer_list<float>{capability, style, thinking, answer, markup},
                             [](float weight) { return weight != 1.0F && weight != 0.0F; });
}

std::vector<TrainingPart> PartsOf(const Response& response, const LossWeights& weights) {
  const std::string_view content = response.messages.back().content;
  std::vector<TrainingPart> parts;
  size_t bytes = 0;
  size_t code_points = 0;
  const auto add = [&](size_t end, float weight) {
    if (end > bytes) parts.push_back({.start = bytes, .end = end, .weight = weight});
    bytes = end;
  };
  for (const ResponseSpan& span : response.spans) {
    const size_t start = bytes + ByteOffset(content.substr(bytes), span.start - code_points);
    add(start, weights.markup);
    add(start + ByteOffset(content.substr(start), span.end - span.start), weights.Of(span.kind));
    code_points = span.end;
  }
  add(content.size(), weights.markup);
  return parts;
}

TrainingRow RowOf(const Response& response, const LossWeights& weights) {
  return {.id = response.id,
          .question_id = response.question_id,
          .messages = response.messages,
          .spans = response.spans,
          .parts = PartsOf(response, weights),
          .end_weight = weights.markup,
          .weighted = weights.is_fractional()};
}

std::vector<float> TokenWeights(const TrainingRow& row, size_t& straddling) {
  const RenderedRow& rendered = row.rendered;
  const size_t prompt = rendered.prompt.size();
  const size_t content = row.content().size();
  const size_t size = prompt + content + rendered.end.size();
  std::vector<float> weights;
  weights.reserve(rendered.tokens.size());
  size_t part = 0;
  const auto weight_at = [&](size_t index) {
    return index < row.parts.size() ? row.parts[index].weight : row.end_weight;
  };
  for (size_t i = 0; i < rendered.tokens.size(); ++i) {
    const size_t begin = rendered.begins[i];
    if (begin < prompt) {
      weights.push_back(0.0F);
      continue;
    }
    while (part < row.parts.size() && row.parts[part].end <= begin - prompt) ++part;
    weights.push_back(weight_at(part));
    const size_t end = i + 1 < rendered.begins.size() ? rendered.begins[i + 1] : size;
    bool differs = false;
    for (size_t next = part; next < row.parts.size() && row.parts[next].end < end - prompt; ++next) {
      differs = differs || weight_at(next + 1) != weight_at(part);
    }
    straddling += differs ? 1 : 0;
  }
  return weights;
}

}  // namespace tessy
