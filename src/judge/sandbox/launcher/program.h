#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "judge/sandbox/launcher/rules.h"
#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {

// All that a program is given when it starts.
struct ProgramPlan {
  char* const* arguments = nullptr;  // ends with a null pointer
  int standard[3] = {-1, -1, -1};
  const char* folder = "/tmp";  // to start in, HOME and TMPDIR
  uint64_t cpu_seconds_max = 0;
  uint64_t address_space_max = 0;  // bytes; 0: unlimited
  uint64_t stack_max = 0;
  uint64_t file_max = 0;
  uint64_t processes_max = 0;  // of its user; 0: unlimited
  uid_t user = 0;              // 0: stays what it is
  std::string_view filter;     // of system calls: instructions of BPF
  const Rules* rules = nullptr;
  bool dies_with_parent = false;
};

// Starts a program with no rights, the plan's limits and filter, descriptors 0 to 2 and a new environment.
// Returns when it has been executed, or failed to.
Outcome StartProgram(const ProgramPlan& plan, pid_t& process);

}  // namespace tessy::launcher
