#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "job/annotate_options.h"
#include "job/job_events.h"

namespace tessy {

// The result of an annotation. Counts are those of the whole file, earlier runs included.
struct AnnotateResult {
  size_t windows = 0;
  size_t annotated = 0;
  std::map<std::string, size_t> rejected;  // by reason
  uint64_t style_bytes = 0;                // of `window_bytes`
  uint64_t window_bytes = 0;               // of the text of annotated windows
  bool interrupted = false;
  // The error that stopped the run before its end; the finished part is kept.
  Status status;
};

// Marks the style in windows of responses, by rules or by a model. A run goes on where an earlier one with
// the same settings ended.
class AnnotateJob {
 public:
  AnnotateJob(AnnotateOptions options, JobEvents events, JobStop stop = {});
  ~AnnotateJob();
  AnnotateJob(const AnnotateJob&) = delete;
  AnnotateJob& operator=(const AnnotateJob&) = delete;

  // As SynthJob::Run.
  Result<AnnotateResult> Run();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tessy
