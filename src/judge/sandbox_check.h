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
  bool is_tried = true;
  bool is_allowed = false;
  std::string reason;
};

struct SandboxCheck {
  SandboxLevel level = SandboxLevel::kA;
  size_t allowed = 0;
  size_t not_allowed = 0;
  size_t not_tried = 0;  // their interpreter or compiler is missing
};

// Runs the hostile programs that are part of this program, one after the other, and tells how each ended.
// kUnavailable: there is no sandbox. Takes a minute or two.
Result<SandboxCheck> CheckSandbox(RunnerOptions options,
                                  const std::function<void(const AttackResult&)>& tell);

// A line that says what was seen. kBackend: the sandbox does not hold; kNotFound: no program was tried.
Result<std::string> ConclusionOf(const SandboxCheck& check);

}  // namespace tessy
