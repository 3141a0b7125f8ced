#pragma once

#include "base/error.h"
#include "cli/progress.h"
#include "job/common_settings.h"
#include "job/job_events.h"

namespace tessy {

// Shows what a job tells on standard error: progress as `messages` say, notices as lines of their own, the
// rest as log lines. It must outlive the job that has its events.
class JobDisplay {
 public:
  static Result<JobDisplay> Open(const MessageOptions& messages);
  JobEvents Events();
  void Close() { progress_.Close(); }  // leaves the line of a bar

 private:
  explicit JobDisplay(ProgressStyle style) : progress_(style) {}
  ProgressDisplay progress_;
};

}  // namespace tessy
