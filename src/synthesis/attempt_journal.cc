#include "synthesis/attempt_journal.h"

#include <utility>

#include "store/event_codec.h"

namespace tessy {

AttemptJournal::AttemptJournal(RunStore* store, WritingKey key, uint32_t attempt,
                               const std::vector<SpanRecord>& recorded)
    : store_(store), key_(std::move(key)), attempt_(attempt) {
  for (const SpanRecord& span : recorded) {
    auto events = ParseEvents(span.events);
    spoilt_ = spoilt_ || !events || span.attempt != attempt;
    if (spoilt_) return;
    for (Event& event : *events) recorded_.push_back({span.stage, span.role, std::move(event)});
  }
}

std::optional<Event> AttemptJournal::Recall(WritingStage stage, Role role) {
  recalled_ = !recorded_.empty() && !spoilt_;
  if (!recalled_) return std::nullopt;
  const Recorded& next = recorded_.front();
  spoilt_ = next.stage != stage || next.role != role;
  std::optional<Event> event(std::move(recorded_.front().event));
  recorded_.pop_front();
  return event;
}

void AttemptJournal::Add(const Event& event) {
  recalled_ = false;
  if (store_ != nullptr) AppendEvent(events_, event);
}

bool AttemptJournal::Kept(WritingStage stage, Role role, size_t tokens, SpanEnd end) {
  if (recalled_) return false;
  tokens_ += static_cast<uint32_t>(tokens);
  if (end != SpanEnd::kOpen || tokens_ >= kRecordedTokens) Flush(stage, role, end);
  return end != SpanEnd::kOpen;
}

void AttemptJournal::Flush(WritingStage stage, Role role, SpanEnd end) {
  if (store_ != nullptr && !events_.empty()) {
    store_->AddSpan(key_, {.attempt = attempt_,
                           .stage = stage,
                           .role = role,
                           .end = end,
                           .tokens = tokens_,
                           .events = std::move(events_)});
  }
  events_.clear();
  tokens_ = 0;
}

}  // namespace tessy
