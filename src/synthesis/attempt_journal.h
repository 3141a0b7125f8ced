#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cooperation/loop.h"
#include "store/run_store.h"

namespace tessy {

// An open span is recorded each time so many more tokens are kept; a kill loses no more than that.
inline constexpr uint32_t kRecordedTokens = 64;

// The record of one attempt at one text in the store. The events that an earlier session recorded are given
// back one by one, and new events are recorded. Step comes to the same state from the same events, so
// nothing else needs to be stored. Without a store nothing is given back and nothing is recorded.
class AttemptJournal {
 public:
  // `recorded`: the records of this attempt, in order.
  AttemptJournal(RunStore* store, WritingKey key, uint32_t attempt, const std::vector<SpanRecord>& recorded);

  // The next recorded event of the stage; empty once all are given back. A caller that finds an unexpected
  // event calls Spoil and gives the attempt up.
  std::optional<Event> Recall(WritingStage stage, Role role);
  void Spoil() { spoilt_ = true; }
  bool spoilt() const { return spoilt_; }
  bool recalled() const { return recalled_; }  // was the last event given, rather than new?

  void Add(const Event& event);  // it has just happened
  // Records the outcome of the last event: `tokens` tokens are kept, and with `end` the span ends (an open
  // span is recorded from time to time). False if nothing new has ended.
  bool Kept(WritingStage stage, Role role, size_t tokens, SpanEnd end);
  // Records the events that are not recorded yet, because the session ends.
  void Flush(WritingStage stage, Role role, SpanEnd end = SpanEnd::kOpen);

 private:
  struct Recorded {
    WritingStage stage;
    Role role;
    Event event;
  };

  RunStore* store_;
  WritingKey key_;
  uint32_t attempt_;
  std::deque<Recorded> recorded_;
  std::string events_;  // not recorded yet
  uint32_t tokens_ = 0;
  bool recalled_ = false;
  bool spoilt_ = false;
};

}  // namespace tessy
