#pragma once

#include <optional>
#include <string>
#include <utility>

#include "synthesis/run.h"

namespace tessy {

// Notices where a run cannot succeed: its first attempts all fail and no text comes to its end. Without it a
// user learns that hours later, from the file of failures.
class FirstFailures {
 public:
  static constexpr uint64_t kAttempts = 20;

  // `out`: the file of the responses, whose failures can be shown; empty if there is none.
  explicit FirstFailures(std::string out = {}) : out_(std::move(out)) {}

  // The line to tell, once: after kAttempts failed attempts and no text that came to its end. It names the
  // most frequent reason, and says what that mostly comes from and what to try.
  std::optional<std::string> Look(const RunProgress& progress);

 private:
  std::string out_;
  bool over_ = false;
};

}  // namespace tessy
