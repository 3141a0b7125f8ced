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
#include "cooperation/sample_stats.h"
#include "cooperation/trace.h"

namespace tessy {

// A run as plain records. Times are milliseconds since 1970, UTC.

// The settings of the run from this moment on; the first record holds those it began with.
struct ConfigurationRecord {
  int64_t at_ms = 0;
  std::string json;

  bool operator==(const ConfigurationRecord&) const = default;
};

// One process that worked on the run, until it ended, was killed or crashed.
struct SessionRecord {
  int64_t started_ms = 0;
  int64_t last_ms = 0;   // the time of its last record
  std::string ended;     // "finished", "interrupted", "failed"; empty while it runs, or if it was killed
  uint64_t samples = 0;  // wanted in all
  uint64_t done = 0;     // of `samples`, in this session and in earlier ones
  uint64_t failed = 0;   // for good, of `samples`, in this session and in earlier ones
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

// A sample that is done or has failed for good.
struct SampleRecord {
  SampleKey key;
  bool done = false;
  uint64_t line_end = 0;    // if done: bytes of the results file up to the end of its line
  uint64_t line_bytes = 0;  // if done: bytes of its line, with the newline; 0: an older program did not tell
  uint64_t line_hash = 0;   // if done: HashBytes of its line, without the newline
  std::string reason;       // if failed: the reason
  std::string closed_by;
  SampleStats stats = {};

  bool operator==(const SampleRecord&) const = default;
};

enum class Writer : uint8_t { kStudent, kTeacher, kBoth };

// One text that a sample needs: the response itself, a candidate, a reference answer, or a judgement.
struct WritingKey {
  SampleKey sample;
  uint32_t candidate = 0;
  Writer writer = Writer::kBoth;

  bool operator==(const WritingKey&) const = default;
};

// An attempt that failed.
struct AttemptRecord {
  uint32_t number = 0;  // from 0
  std::string reason;
  uint64_t tokens = 0;    // kept in it
  bool retryable = true;  // another one may follow
  std::string text = {};  // what it wrote: the thinking, then the answer as far as it came

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
  std::string events;   // the drafts and the answers of the predictor; see event_codec.h

  bool operator==(const SpanRecord&) const = default;
};

struct WritingRecord {
  std::vector<AttemptRecord> failed;  // by number
  std::vector<SpanRecord> spans;      // in the order in which they were added
};

// The record of a run: what it has done and what it has under way. A kill at any instant loses no span that
// was committed. One writer at a time, which the caller must see to, and any number of readers beside it. Not
// thread-safe.
//
// Commit makes all changes since the last Commit take effect together: after a kill either all of them are
// there or none. If a change cannot be made, the next Commit and every later one return its error. Reading
// sees changes that are not committed yet.
class RunStore {
 public:
  virtual ~RunStore() = default;

  virtual Result<std::vector<ConfigurationRecord>> Configurations() = 0;
  virtual Result<std::vector<SessionRecord>> Sessions() = 0;
  virtual Status ForEachQuestion(const std::function<void(const QuestionRecord&)>& question) = 0;
  virtual Status ForEachSample(const std::function<void(const SampleRecord&)>& sample) = 0;
  virtual Status ForEachFailedAttempt(const std::function<void(const AttemptRecord&)>& attempt) = 0;
  // The attempts and spans that are recorded of the text; none if the store does not know it.
  virtual Result<WritingRecord> Recall(const WritingKey& key) = 0;
  // The number of samples of which something is recorded and that are neither done nor failed.
  virtual Result<size_t> Unfinished() = 0;

  virtual void AddConfiguration(const ConfigurationRecord& configuration) = 0;
  // Sets the record of the writer's own session. The first call adds it.
  virtual void SetSession(const SessionRecord& session) = 0;
  // Adds the question or gives it another hash; what is under way of its samples is removed then. A question
  // that samples name but that was never set has the hash 0.
  virtual void SetQuestion(const QuestionRecord& question) = 0;
  // Replaces the sample's record. Its failed attempts stay; its spans are removed, because the results hold
  // its text.
  virtual void FinishSample(const SampleRecord& sample) = 0;
  virtual void AddSpan(const WritingKey& key, const SpanRecord& span) = 0;
  // Records the failure and removes the attempt's spans.
  virtual void FailAttempt(const WritingKey& key, const AttemptRecord& attempt) = 0;
  // Removes the spans of the attempt under way.
  virtual void ForgetSpans(const WritingKey& key) = 0;
  virtual void ForgetSample(const SampleKey& key) = 0;
  virtual void ForgetUnfinished() = 0;
  virtual void ForgetFinished() = 0;

  virtual bool dirty() const = 0;  // Commit has changes to make, or an error to return
  virtual Status Commit() = 0;
};

}  // namespace tessy
