#pragma once

#include <span>

#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {

// The files that programs see at the levels with namespaces: a root of its own that is read-only, with /usr,
// the loader's files, five devices, /proc of the own processes (where the kernel allows it), kWorkFolder with
// what was staged, and kTemporaryFolder in memory with a limit.
class View {
 public:
  // To be called in new namespaces of mounts and processes, by the first process of the latter. `shown`:
  // further paths to show read-only. Nothing outside the namespace changes.
  Outcome Build(std::span<const char* const> shown, uint64_t temporary_max, uint32_t entries_max);
  bool has_proc() const { return has_proc_; }

  Outcome OpenWork();   // makes the work folder writable, for the launcher's own files
  Outcome CloseWork();  // and read-only again
  // Gives a new /tmp where a run has left anything in it.
  Outcome RenewTemporary();

 private:
  Outcome MountTemporary() const;

  bool has_proc_ = false;
  uint64_t temporary_max_ = 0;
  uint32_t entries_max_ = 0;
};

}  // namespace tessy::launcher
