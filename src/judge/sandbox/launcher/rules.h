#pragma once

#include <span>

#include "judge/sandbox/launcher/system.h"

namespace tessy::launcher {

// Landlock's rules for the level without namespaces: /usr and what belongs to it may be read and executed,
// the work folder, too; the temporary folder may be written; nothing else may be opened. TCP may not be used
// (kernels from 6.7 on), and neither abstract sockets nor signals reach what is outside (from 6.12 on).
class Rules {
 public:
  // Fails with ENOSYS or EOPNOTSUPP where the kernel has no Landlock.
  Outcome Make(const char* work, const char* temporary, std::span<const char* const> shown);
  // Whether a program cannot send signals to processes outside.
  bool bounds_signals() const { return version_ >= 6; }
  // Binds the calling process, for good.
  bool Enter() const;

 private:
  Descriptor ruleset_;
  int version_ = 0;
};

}  // namespace tessy::launcher
