#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/run_store.h"

namespace tessy {

// The figures of a run, summed over its store.
struct RunSummary {
  std::vector<ConfigurationRecord> configurations;
  std::vector<SessionRecord> sessions;

  uint64_t samples = 0;  // number of samples of the run, as of the last session
  uint64_t done = 0;
  uint64_t failed = 0;      // for good
  uint64_t unfinished = 0;  // begun, neither done nor failed

  // Sums over the samples that are done:
  SampleStats stats;
  std::map<std::string, uint64_t> closed_by;  // "student", "teacher", "budget"; samples

  std::map<std::string, uint64_t> failures;         // samples that failed for good, by reason
  std::map<std::string, uint64_t> failed_attempts;  // by reason

  // Sums over all sessions, failed attempts included:
  uint64_t tokens = 0;  // generated and kept
  uint64_t drafted_tokens = 0;
  uint64_t discarded_tokens = 0;
  uint64_t recalled_tokens = 0;  // tokens taken over from an earlier session
  uint64_t spans = 0;            // brought to their end
  double seconds = 0.0;          // time worked

  // Rates by the clocks of the sessions; 0 where no time has passed.
  double tokens_per_second() const;
  double samples_per_hour() const;
  double discarded_share() const;  // share of the drafted tokens
  // Whether every wanted sample is done or has failed for good.
  bool finished() const { return samples > 0 && done + failed >= samples; }
  // For each of `configurations` but the first: how its settings differ from the ones before.
  std::vector<std::string> Changes() const;
};

Result<RunSummary> Summarize(RunStore& store);

}  // namespace tessy
