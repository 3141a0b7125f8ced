#pragma once

#include <cstdint>

#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {

// The control groups that the launcher and all it starts are in: of version 1 one folder a controller, of
// version 2 one folder for all. The program makes the folders; the launcher joins them once, so that starting
// a program moves no process (a move waits milliseconds for the kernel).
class Groups {
 public:
  // Joins, and opens the files that runs need. `cpu` may be empty. Empty `memory`: no groups at all.
  Outcome Join(const char* memory, const char* pids, const char* cpu);
  bool joined() const { return joined_; }

  // Sets the limits of the next run and forgets the last one's peak. `processes_max` without the launcher.
  Outcome Begin(uint64_t memory_max, uint64_t processes_max);
  // Since Begin: nanoseconds of CPU (`otherwise` where there is no such group), bytes, processes that the
  // kernel ended.
  uint64_t Cpu(uint64_t otherwise) const;
  uint64_t Peak() const;
  uint32_t Kills() const;
  // Leaves the groups and removes them; for the launcher's end.
  void Leave();

 private:
  uint64_t CpuTotal(uint64_t otherwise) const;
  bool SetMemory(uint64_t bytes);

  static constexpr int kFolders = 3;
  struct Folder {
    Descriptor parent;  // its cgroup.procs
    Descriptor above;   // the folder that it is in
    char name[128] = {};
  };

  bool joined_ = false;
  bool is_v2_ = false;
  uint64_t memory_max_ = 0;
  uint64_t processes_max_ = 0;
  uint64_t cpu_before_ = 0;
  uint64_t kills_before_ = 0;
  Descriptor limit_;
  Descriptor limit_with_swap_;
  Descriptor peak_;
  Descriptor usage_;
  Descriptor kills_;
  Descriptor tasks_max_;
  Descriptor cpu_;
  Folder folders_[kFolders];
};

}  // namespace tessy::launcher
