#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cast/model_cast.h"
#include "model/openai/testing/scripted_server.h"
#include "synthesis/run.h"

namespace tessy {

// A run over scripted servers in this process: both roles are served, and the lexicon decides.
struct ServedRunOptions {
  // The servers of each role; those of one role are replicas of one model.
  std::array<std::vector<const ScriptedServer*>, 2> servers;
  uint64_t seed = 0;
  size_t questions = 6;
  int concurrency = 4;
  bool streams = true;
  uint32_t draft_tokens = 1;
  uint32_t attempts_more = 2;
  uint32_t request_retries_max = 4;
  int64_t token_ms = 150;        // wait for a token; this and the next are longer under a sanitizer
  int64_t patience_ms = 20'000;  // wait while no server answers
  // The vocabulary files of the roles. If they are empty, prompts go out as text.
  std::array<std::string, 2> vocabularies = {};
  // Takes each outcome in place of the result; called on this thread.
  std::function<void(const SampleTask&, const SampleOutcome&)> finished = {};
  // Each function is called on this thread after so many milliseconds, if the run is not over then.
  std::vector<std::pair<int64_t, std::function<void()>>> events = {};
};

struct ServedRunResult {
  std::map<std::string, std::vector<SampleOutcome>> outcomes;  // by question, in the order of delivery
  RunResult run;
  std::array<ServerModel::Counts, 2> counts;
};

// Fails if the models cannot be connected to.
Result<ServedRunResult> RunServed(const ServedRunOptions& options);

// The text of the question with this number.
std::string QuestionText(size_t number);

// The first invariant that a finished response breaks: the spans tile the thinking, the roles alternate from
// the student on, characters are whole, and the counts agree. Empty if all hold.
std::string BrokenInvariant(const SampleOutcome& outcome);

}  // namespace tessy
