#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "judge/program_runner.h"

namespace tessy {

// How a hostile program ended.
struct AttackResult {
  std::string id;
  std::string name;
  std::string language;  // "python" or "cpp"
  std::string verdict;   // its letters; "-": it was not tried, `reason` says why
  bool is_allowed = false;
  std::string reason;
};

// Runs the hostile programs that are part of this program, one after the other, and tells how each ended.
// Returns the level at which they ran. kUnavailable: there is no sandbox. Takes a minute or two.
Result<SandboxLevel> CheckSandbox(RunnerOptions options,
                                  const std::function<void(const AttackResult&)>& tell);

}  // namespace tessy
