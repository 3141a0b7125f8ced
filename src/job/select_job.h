#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/job_events.h"
#include "job/select_options.h"

namespace tessy {

// A line of the account of a selection: what came in, what was left out and why, what remained.
struct SelectStage {
  std::string name;           // "read", "usable", "questions", "written", or the reason of a rejection
  bool is_rejection = false;  // it was left out; the line belongs to the next one that is not
  uint64_t rows = 0;          // of the sources; for "written", of the output
  uint64_t questions = 0;     // different texts; 0 where they are not known yet
};

struct SelectResult {
  std::vector<SelectStage> stages;
  bool interrupted = false;  // nothing was written but what the teacher has decided
  size_t decided = 0;        // interrupted: questions about which it has
  size_t undecided = 0;      // questions left out because no decision came
};

// Chooses questions from source data: finds them, merges those that are the same or nearly so, rejects those
// of evaluations, asks a teacher which of the others suit, takes a sample. It writes --out, and beside it
// OUT.run/rejected.jsonl and OUT.run/summary.json; all of them appear when everything is done. An interrupted
// selection leaves files that end in .tmp, which the next one writes anew, and the teacher's decisions, which
// the next one takes over.
class SelectJob {
 public:
  SelectJob(SelectOptions options, JobEvents events, JobStop stop = {});
  ~SelectJob();
  SelectJob(const SelectJob&) = delete;
  SelectJob& operator=(const SelectJob&) = delete;

  // To be called once. Errors: an option (kInvalidArgument), an output that is there or decisions made with
  // other settings (kConflict), a source that cannot be read, a teacher that cannot be loaded or reached. The
  // teacher's decisions are kept after an error, too.
  Result<SelectResult> Run();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tessy
