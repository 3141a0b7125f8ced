#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/run_summary.h"

namespace tessy {

enum class RunState : uint8_t {
  kRunning,      // a process holds the run's lock
  kInterrupted,  // samples are missing, and nobody works on them
  kFinished      // every sample is done or has failed for good
};
std::string_view Name(RunState state);  // "running", …

// A model as the run's settings record it.
struct RecordedModel {
  std::string role;  // "student", "teacher", "student_boundary", "teacher_boundary"
  std::string json;  // the recorded value
  std::string text;  // for people: the server's address, or file and fingerprint
};

// The records of one run.
struct CataloguedRun {
  std::string folder;
  std::string out;  // its responses; empty if they are elsewhere (--run and --out were given together)
  RunState state = RunState::kInterrupted;
  std::string method;  // "?" if none is recorded
  std::vector<RecordedModel> models;
  RunSummary summary;

  uint64_t tokens() const;           // of the responses that are done: thinking and answers
  double teacher_share() const;      // of their thinking tokens, 0 to 1; 0 if there are none
  int64_t last_activity_ms() const;  // since 1970, UTC; 0 if no session is recorded
};

// The folder of the run that `name` means: the folder itself, or that of its responses. kNotFound: no run is
// recorded there.
Result<std::string> FindRun(std::string name);

// Reads one run from its folder. Safe while another process works on the run.
Result<CataloguedRun> ReadRun(const std::string& folder);

struct RunCatalogue {
  std::vector<CataloguedRun> runs;  // the last active first
  std::vector<Error> unreadable;    // one for each run that cannot be read
};

// All runs in these folders and in the three levels of folders below them. Links are not followed; folders
// that cannot be read are passed over. kNotFound: one of the names is not a folder.
Result<RunCatalogue> FindRuns(std::span<const std::string> folders);

// A time of a run, "2026-01-31T12:34:56Z". `milliseconds` since 1970, UTC.
std::string FormatTime(int64_t milliseconds);

// As JSON, with a newline at the end: an array with the main figures of each run, or one run in full.
std::string ToJson(std::span<const CataloguedRun> runs);
std::string ToJson(const CataloguedRun& run);

}  // namespace tessy
