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

// Kept tokens of a span under way from one record to the next: what a kill takes at most.
inline constexpr uint32_t kRecordedTokens = 64;

// One attempt at one writing, in the store: what an earlier session recorded of it is given back event by
// event, what happens after that is recorded. From the same events Step comes to the same state, so nothing
// else need be kept. Without a store nothing is given and nothing recorded.
class AttemptJournal {
 public:
  // `recorded`: of this attempt, in order.
  AttemptJournal(RunStore* store, WritingKey key, uint32_t attempt, const std::vector<SpanRecord>& recorded);

  // The next event that is recorded of the stage; none once all of them are given. Whoever finds that an
  // event is not what should come next says so (Spoil), and gives the attempt up.
  std::optional<Event> Recall(WritingStage stage, Role role);
  void Spoil() { spoilt_ = true; }
  bool spoilt() const { return spoilt_; }
  bool recalled() const { return recalled_; }  // was the last event given, rather than new?

  void Add(const Event& event);  // it has just happened
  // What became of the last event: so many tokens stay, and with `end` the span ends (an open one is recorded
  // now and then). False where nothing new has ended.
  bool Kept(WritingStage stage, Role role, size_t tokens, SpanEnd end);
  // Records what is not recorded yet; the session ends.
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
