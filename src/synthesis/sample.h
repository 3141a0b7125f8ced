#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cooperation/loop.h"
#include "cooperation/sample_stats.h"
#include "dataset/question.h"
#include "store/run_store.h"
#include "synthesis/cast.h"
#include "synthesis/method.h"

namespace tessy {

// One response to be synthesised.
struct SampleTask {
  std::shared_ptr<const Question> question;  // never null; the samples of one question share it
  uint32_t sample = 0;
  uint64_t number = 0;     // in the run, from 0
  uint32_t candidate = 0;  // number among the candidates for one response
};

struct SampleSettings {
  Method method = DefaultMethod();
  uint64_t seed = 0;
  uint32_t draft_tokens = 1;  // k, for `--draft rollback`; 1 stops at the boundary
  uint32_t thinking_tokens_max = 38000;
  // At the end of the thinking budget: true closes the thinking with the student's `budget_close` and asks
  // for the answer, false fails the attempt.
  bool force_close = false;
  uint32_t answer_tokens_max = 8192;
  uint32_t retries_max = 5;  // after the first attempt (method, section 3)
  CutRule cut = CutRule::kCompleteWord;
  uint32_t min_span_tokens = 1;
  float style_threshold = 0.5F;
  // True where a draw does not depend on the attempt (temperature 0): a model that failed would fail again in
  // the same way, so that no second attempt is made but after an engine's or a server's error.
  bool greedy = false;
  // False: the answer alone is written, without any thinking. For methods with one writer (Method).
  bool thinks = true;
};

// The result of one task: a response, or the reasons why there is none.
struct SampleOutcome {
  bool done = false;
  bool cancelled = false;
  std::optional<Error> lost = {};  // with `cancelled`: a backend was given up, so the run cannot go on
  bool refused = false;            // its last attempt failed because a server refuses such requests
  Trace thinking;                  // trimmed as the student's family writes it
  // The bytes of an opener that a model wrote itself; it is left out of `thinking`.
  size_t own_opener_bytes = 0;
  std::string answer;
  Role answered_by = Role::kStudent;
  bool thinks = true;  // SampleSettings::thinks
  Role closed_by = Role::kStudent;
  bool closed_by_budget = false;       // nobody closed the thinking: its budget was used up
  SampleStats stats{.candidates = 1};  // its wall time is set by who runs the sample
  std::optional<double> score = {};    // the teacher's, where candidates are scored
  std::vector<std::string>
      failures;  // of each failed attempt: the reason, with a backend's words if there are any
  // Not done: the text of the last attempt that failed (WrittenText; the thinking with its last draft), or of
  // the last response that was not kept.
  std::string failed_text = {};
};

// The text of an outcome as it was written: the thinking, what closed it and handed over, and as much as
// there is of the answer.
std::string WrittenText(const Cast& cast, const SampleOutcome& outcome);

// Counters that change while samples run, for progress only. Used by the driving thread.
struct RunCounters {
  uint64_t tokens = 0;  // kept, thinking and answer
  uint64_t drafted = 0;
  uint64_t discarded = 0;
  uint64_t recalled =
      0;  // kept, and taken over from an earlier session instead of generated; in no other counter
  uint64_t spans = 0;    // brought to their end, answers too
  uint64_t written = 0;  // texts that came to their end
  uint64_t finished_tokens =
      0;  // of samples that are done or have failed for good, their failed attempts included
  // Attempts that failed, by reason; a backend's own words count as kBackendError.
  std::map<FailureReason, uint64_t> failed_attempts = {};
};

// Synthesises one response, retries included. Ends early with `cancelled` once *stop is set or if the store
// fails. Events that the store has recorded are taken over as if they had just happened. New events are
// recorded there: failed attempts, every span of the current attempt when it ends, and an open span whenever
// it has grown by kRecordedTokens. Without a store nothing is recorded. The referenced objects must outlive
// the coroutine; they are used on the thread that runs it.
boost::asio::awaitable<SampleOutcome> RunSample(Cast& cast, const SampleSettings& settings,
                                                const SampleTask& task, RunCounters& counters,
                                                const std::atomic<bool>& stop, RunStore* store = nullptr);

}  // namespace tessy
