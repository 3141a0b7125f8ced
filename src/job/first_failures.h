#pragma once

#include <optional>
#include <string>

#include "synthesis/run.h"

namespace tessy {

// Notices where a run cannot succeed: its first attempts all fail for one reason and none comes to its end.
// Without it a user learns that hours later, from the file of failures.
class FirstFailures {
 public:
  static constexpr uint64_t kAttempts = 20;

  // The line to tell, once: after kAttempts failed attempts with one reason among them, and no sample done.
  // It says what that reason mostly comes from and what to try.
  std::optional<std::string> Look(const RunProgress& progress);

 private:
  bool over_ = false;
};

}  // namespace tessy
