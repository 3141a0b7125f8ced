#pragma once

#include <cstdint>
#include <string>

namespace tessy {

// Where the kernel tells what this process may use; other folders in tests.
struct MachineFiles {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

// The processors that this process may keep busy, at least 1: those of its affinity mask (sched_getaffinity),
// and no more than the CPU quotas of its control groups allow (cpu.max of cgroup v2, cpu.cfs_quota_us of v1),
// rounded up.
int ProcessorsAvailable(const MachineFiles& files = {});

// The threads of work that computes: no more than there are processors for this process, because more make it
// many times slower. `cut` says so in one line where it takes some away, else it is empty.
int ThreadsWithin(int asked, std::string& cut);

// The bytes of memory that this process may still take without any being swapped out: MemAvailable of
// meminfo, and no more than the limits of its control groups leave (memory.max of cgroup v2,
// memory.limit_in_bytes of v1; file pages that can be dropped do not count as used). 4 GiB where the kernel
// does not tell.
uint64_t MemoryAvailable(const MachineFiles& files = {});

}  // namespace tessy
