#include "judge/sandbox/launcher/groups.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace tessy::launcher {
namespace {

Descriptor OpenAt(int folder, const char* name, int flags) {
  return Descriptor(openat(folder, name, flags | O_CLOEXEC));
}

}  // namespace

Outcome Groups::Join(const char* memory, const char* pids, const char* cpu) {
  if (*memory == '\0') return {};
  const char* const paths[kFolders] = {memory, pids, cpu};
  Descriptor opened[kFolders];
  for (int i = 0; i < kFolders; ++i) {
    if (*paths[i] == '\0') continue;
    opened[i] = Descriptor(open(paths[i], O_DIRECTORY | O_CLOEXEC));
    if (!opened[i].valid()) return Failed("open a control group");
    const bool is_new =
        std::none_of(paths, paths + i, [&](const char* p) { return std::strcmp(p, paths[i]) == 0; });
    if (!is_new) continue;
    if (!WriteText(OpenAt(opened[i].get(), "cgroup.procs", O_WRONLY).get(), "0")) {
      return Failed("join a control group");
    }
    Folder& folder = folders_[i];
    folder.above = OpenAt(opened[i].get(), "..", O_DIRECTORY);
    folder.parent = OpenAt(folder.above.get(), "cgroup.procs", O_WRONLY);
    const char* const slash = std::strrchr(paths[i], '/');
    std::strncpy(folder.name, slash == nullptr ? paths[i] : slash + 1, sizeof folder.name - 1);
  }
  is_v2_ = std::strcmp(memory, pids) == 0;
  const int at = opened[0].get();
  limit_ = OpenAt(at, is_v2_ ? "memory.max" : "memory.limit_in_bytes", O_RDWR);
  limit_with_swap_ = OpenAt(at, is_v2_ ? "memory.swap.max" : "memory.memsw.limit_in_bytes", O_RDWR);
  peak_ = OpenAt(at, is_v2_ ? "memory.peak" : "memory.max_usage_in_bytes", O_RDWR);
  if (!peak_.valid()) peak_ = OpenAt(at, "memory.peak", O_RDONLY);
  usage_ = OpenAt(at, is_v2_ ? "memory.current" : "memory.usage_in_bytes", O_RDONLY);
  kills_ = OpenAt(at, is_v2_ ? "memory.events" : "memory.oom_control", O_RDONLY);
  tasks_max_ = OpenAt(opened[1].get(), "pids.max", O_RDWR);
  if (opened[2].valid()) cpu_ = OpenAt(opened[2].get(), is_v2_ ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
  if (!limit_.valid() || !kills_.valid() || !tasks_max_.valid())
    return Failed("open a control group's files");
  if (is_v2_ && limit_with_swap_.valid()) WriteNumber(limit_with_swap_.get(), 0);
  joined_ = true;
  return {};
}

// With version 1 the limit with swap may never be below the other: the order of the two depends on the
// direction.
bool Groups::SetMemory(uint64_t bytes) {
  if (bytes == memory_max_) return true;
  const bool has_swap_limit = !is_v2_ && limit_with_swap_.valid();
  if (has_swap_limit && bytes > memory_max_) WriteNumber(limit_with_swap_.get(), bytes);
  if (!WriteNumber(limit_.get(), bytes)) return false;
  if (has_swap_limit) WriteNumber(limit_with_swap_.get(), bytes);
  memory_max_ = bytes;
  return true;
}

Outcome Groups::Begin(uint64_t memory_max, uint64_t processes_max) {
  if (!joined_) return {};
  if (!SetMemory(memory_max)) return Failed("limit the memory of a control group");
  if (processes_max != processes_max_) {
    if (!WriteNumber(tasks_max_.get(), processes_max + 1)) {
      return Failed("limit the processes of a control group");
    }
    processes_max_ = processes_max;
  }
  WriteText(peak_.get(), "0");
  kills_before_ = ReadNumberOf(kills_.get(), "oom_kill", 0);
  cpu_before_ = CpuTotal(0);
  return {};
}

uint64_t Groups::CpuTotal(uint64_t otherwise) const {
  if (!cpu_.valid()) return otherwise;
  if (is_v2_) return ReadNumberOf(cpu_.get(), "usage_usec", 0) * 1000;
  return ReadNumber(cpu_.get(), 0);
}

uint64_t Groups::Cpu(uint64_t otherwise) const {
  if (!cpu_.valid()) return otherwise;
  return CpuTotal(0) - cpu_before_;
}

uint64_t Groups::Peak() const { return ReadNumber(peak_.valid() ? peak_.get() : usage_.get(), 0); }

uint32_t Groups::Kills() const {
  return static_cast<uint32_t>(ReadNumberOf(kills_.get(), "oom_kill", 0) - kills_before_);
}

void Groups::Leave() {
  for (Folder& folder : folders_) {
    if (!folder.parent.valid()) continue;
    WriteText(folder.parent.get(), "0");
    unlinkat(folder.above.get(), folder.name, AT_REMOVEDIR);
  }
}

}  // namespace tessy::launcher
