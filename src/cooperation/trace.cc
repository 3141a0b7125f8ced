#include "cooperation/trace.h"

#include <algorithm>

namespace tessy {

std::string_view Name(Role role) { return role == Role::kStudent ? "student" : "teacher"; }

std::string_view Name(SpanKind kind) {
  switch (kind) {
    case SpanKind::kStyle:
      return "style";
    case SpanKind::kCapability:
      return "capability";
    case SpanKind::kThinking:
      return "thinking";
    case SpanKind::kAnswer:
      return "answer";
  }
  return {};
}

void Trace::Append(Role role, SpanKind kind, std::string_view written, uint32_t tokens) {
  const bool goes_on = !spans.empty() && spans.back().role == role && spans.back().kind == kind;
  if (!goes_on && written.empty()) return;
  if (!goes_on) spans.push_back({.role = role, .kind = kind, .begin = text.size(), .end = text.size()});
  text.append(written);
  spans.back().end = text.size();
  spans.back().tokens += tokens;
}

void Trace::Truncate(size_t size) {
  text.resize(std::min(size, text.size()));
  while (!spans.empty() && spans.back().begin >= text.size()) spans.pop_back();
  if (!spans.empty()) spans.back().end = text.size();
}

void Trace::DropFront(size_t size) {
  size = std::min(size, text.size());
  text.erase(0, size);
  for (Span& span : spans) {
    span.begin -= std::min(span.begin, size);
    span.end -= std::min(span.end, size);
  }
  std::erase_if(spans, [](const Span& span) { return span.begin == span.end; });
}

}  // namespace tessy
