#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/openai/testing/scripted_server.h"
#include "synthesis/mixed_cast.h"
#include "synthesis/run.h"

namespace tessy {

// A run over scripted servers, in this process: both roles served, the lexicon deciding.
struct ServedRunOptions {
  // By role; replicas of one model each.
  std::array<std::vector<const ScriptedServer*>, 2> servers;
  uint64_t seed = 0;
  size_t questions = 6;
  int concurrency = 4;
  bool streams = true;
  uint32_t draft_tokens = 1;
  uint32_t attempts_more = 2;
  uint32_t request_retries_max = 4;
  int64_t token_ms = 150;        // waited for a token; longer under a sanitizer, as what follows
  int64_t patience_ms = 20'000;  // with servers of which none answers
  // Files of the roles' vocabularies; empty: prompts go out as text.
  std::array<std::string, 2> vocabularies = {};
  // Instead of keeping them; on this thread.
  std::function<void(const SampleTask&, const SampleOutcome&)> finished = {};
  // Called on this thread after so many milliseconds, if the run still goes on then.
  std::vector<std::pair<int64_t, std::function<void()>>> events = {};
};

struct ServedRunResult {
  std::map<std::string, std::vector<SampleOutcome>> outcomes;  // by question, as they were delivered
  RunResult run;
  std::array<ServerModel::Counts, 2> counts;
};

// An error if the models cannot be connected to.
Result<ServedRunResult> RunServed(const ServedRunOptions& options);

// The deck of questions: 0, 1, …
std::string QuestionText(size_t number);

// What is wrong with a response that is done, by the loop's invariants: spans that tile the thinking, roles
// in turn from the student on, whole characters, counts that agree. Empty: nothing.
std::string BrokenInvariant(const SampleOutcome& outcome);

}  // namespace tessy
