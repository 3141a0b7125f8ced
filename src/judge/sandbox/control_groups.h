#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace tessy {

// Control groups of one sandbox, made below those that this process is in; removed with the object. Of
// version 1 they are a folder for each of the controllers memory, pids and cpuacct; of version 2 one folder
// for all. A version 2 group that has processes can have no controllers below it: where this process is alone
// in its group, it moves itself into a group below (tessy-program).
class ControlGroups {
 public:
  // kUnavailable: there is no writable group with memory and pids. `name` is unique on the machine.
  static Result<ControlGroups> Make(const std::string& name);
  ControlGroups() = default;
  ~ControlGroups();
  ControlGroups(ControlGroups&&) noexcept = default;
  ControlGroups& operator=(ControlGroups&& other) noexcept;

  // Paths; all empty: there are none.
  const std::string& memory() const { return memory_; }
  const std::string& pids() const { return pids_; }
  const std::string& cpu() const { return cpu_; }
  // Processes in them that the kernel has ended for memory so far; 0 where there are none.
  uint64_t OutOfMemoryKills() const;

 private:
  void Remove();

  std::string memory_;
  std::string pids_;
  std::string cpu_;
};

}  // namespace tessy
