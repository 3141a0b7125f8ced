#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

// What is known of a run, as plain records. Times are milliseconds since 1970, UTC.

// The settings of the run from this moment on; the first is how it began.
struct ConfigurationRecord {
  int64_t at_ms = 0;
  std::string json;

  bool operator==(const ConfigurationRecord&) const = default;
};

// One program that worked on the run, from start to end, kill or crash.
struct SessionRecord {
  int64_t started_ms = 0;
  int64_t last_ms = 0;   // when it last recorded something
  std::string ended;     // "finished", "interrupted", "failed"; empty while it runs, or if it was killed
  uint64_t samples = 0;  // wanted in all
  uint64_t done = 0;     // of them, those of earlier sessions included
  uint64_t failed = 0;   // likewise
  uint64_t tokens = 0;   // generated and kept
  uint64_t drafted_tokens = 0;  // generated
  uint64_t discarded_tokens = 0;
  uint64_t recalled_tokens = 0;  // taken over from earlier sessions: not generated again
  uint64_t spans = 0;            // brought to their end

  bool operator==(const SessionRecord&) const = default;
};

struct QuestionRecord {
  std::string id;
  uint64_t hash = 0;  // of its messages

  bool operator==(const QuestionRecord&) const = default;
};

struct SampleKey {
  std::string question_id;
  uint32_t sample = 0;

  bool operator==(const SampleKey&) const = default;
};

// A sample that is done, or has failed for good.
struct SampleRecord {
  SampleKey key;
  bool done = false;
  uint64_t line_end = 0;  // of a done one: bytes of the results through its line
  std::string reason;     // of a failed one
  std::string closed_by;
  std::array<uint64_t, 2> thinking_tokens{};  // by role
  uint64_t answer_tokens = 0;
  uint64_t switches = 0;
  uint64_t drafted_tokens = 0;
  uint64_t discarded_tokens = 0;
  uint64_t attempts = 0;
  uint64_t failed_attempts_tokens = 0;
  uint64_t wrong_candidates = 0;
  uint64_t wall_ms = 0;

  bool operator==(const SampleRecord&) const = default;
};

enum class Writer : uint8_t { kStudent, kTeacher, kBoth };

// One text that a sample needs: itself, a candidate, a reference answer, a judgement.
struct WritingKey {
  SampleKey sample;
  uint32_t candidate = 0;
  Writer writer = Writer::kBoth;

  bool operator==(const WritingKey&) const = default;
};

// An attempt that came to nothing.
struct AttemptRecord {
  uint32_t number = 0;  // from 0
  std::string reason;
  uint64_t tokens = 0;    // kept in it
  bool retryable = true;  // another one may follow

  bool operator==(const AttemptRecord&) const = default;
};

enum class WritingStage : uint8_t { kThinking = 1, kAnswer = 2 };

enum class SpanEnd : uint8_t {
  kOpen,      // the next record goes on with it
  kSwitched,  // the other role goes on
  kClosed,    // the thinking is closed
  kFinished,  // the answer is whole
};

// A span, or a piece of one, of the attempt under way.
struct SpanRecord {
  uint32_t attempt = 0;
  WritingStage stage = WritingStage::kThinking;
  Role role = Role::kStudent;
  SpanEnd end = SpanEnd::kOpen;
  uint32_t tokens = 0;  // kept, of this record
  std::string events;   // what was drafted and what the predictor said; see event_codec.h

  bool operator==(const SpanRecord&) const = default;
};

struct WritingRecord {
  std::vector<AttemptRecord> failed;  // by number
  std::vector<SpanRecord> spans;      // in the order in which they were added
};

// What a run has done so far, and what it has under way, so that a kill at any instant loses no span that was
// recorded. One writer at a time, which whoever opens it sees to; any number of readers beside it. Not
// thread-safe.
//
// Changes take effect together, by Commit: after a kill either all or none since the last one are there. A
// change that cannot be made is told by the next Commit, and by every one after it. Reading sees changes that
// are not committed yet.
class RunStore {
 public:
  virtual ~RunStore() = default;

  virtual Result<std::vector<ConfigurationRecord>> Configurations() = 0;
  virtual Result<std::vector<SessionRecord>> Sessions() = 0;
  virtual Status ForEachQuestion(const std::function<void(const QuestionRecord&)>& question) = 0;
  virtual Status ForEachSample(const std::function<void(const SampleRecord&)>& sample) = 0;
  virtual Status ForEachFailedAttempt(const std::function<void(const AttemptRecord&)>& attempt) = 0;
  // What there is of it; empty records if nothing.
  virtual Result<WritingRecord> Recall(const WritingKey& key) = 0;
  // Samples that are neither done nor failed, and of which something is recorded.
  virtual Result<size_t> Unfinished() = 0;

  virtual void AddConfiguration(const ConfigurationRecord& configuration) = 0;
  // Of the writer's own session, which the first call begins.
  virtual void SetSession(const SessionRecord& session) = 0;
  // A question that samples name and nobody has set has the hash 0. Where it is another one than before, what
  // is under way of its samples goes.
  virtual void SetQuestion(const QuestionRecord& question) = 0;
  // In the place of what there was of the sample; its failed attempts stay, its spans go: the results have
  // them.
  virtual void FinishSample(const SampleRecord& sample) = 0;
  virtual void AddSpan(const WritingKey& key, const SpanRecord& span) = 0;
  // The attempt's spans go.
  virtual void FailAttempt(const WritingKey& key, const AttemptRecord& attempt) = 0;
  // The spans of the attempt under way go.
  virtual void ForgetSpans(const WritingKey& key) = 0;
  virtual void ForgetSample(const SampleKey& key) = 0;
  virtual void ForgetUnfinished() = 0;
  virtual void ForgetFinished() = 0;

  virtual bool dirty() const = 0;  // Commit has something to do, or to tell
  virtual Status Commit() = 0;
};

}  // namespace tessy
