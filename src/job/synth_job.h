#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "job/job_events.h"
#include "job/synth_options.h"
#include "synthesis/run_files.h"

namespace tessy {

// The result of a synthesis.
struct SynthResult {
  RunProgress progress;  // samples in all, done, failed; what was there already included
  bool interrupted = false;
  // The error that stopped the run before its end. The finished part is kept where there are files.
  Status status;
  // The files of the job; empty and zero if the options name none.
  std::string out;
  std::string failures_path;
  size_t responses = 0;  // in `out`, with those of earlier runs
  // The sums over the responses of `out`; empty if the lines do not tell (output_format tessy-reference).
  std::optional<SampleStats> totals = std::nullopt;
};

// Makes a response for every question. One run with files goes on where an earlier one with the same settings
// ended. With `out` empty or "-" no files are kept, and responses are told by JobEvents::finished alone.
class SynthJob {
 public:
  SynthJob(SynthOptions options, JobEvents events, JobStop stop = {});
  ~SynthJob();
  SynthJob(const SynthJob&) = delete;
  SynthJob& operator=(const SynthJob&) = delete;

  // To be called once; it returns when all is done, or the job was stopped. The calling thread drives it. An
  // error: the options, the questions, the files, the models or the servers are refused, and no sample was
  // begun; retryable where a server cannot be reached. A write to a pipe that nobody reads must not end the
  // process: ignore SIGPIPE where servers are used.
  Result<SynthResult> Run();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tessy
