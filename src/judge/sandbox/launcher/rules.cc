#include "judge/sandbox/launcher/rules.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace tessy::launcher {
namespace {

// The kernel's interface (linux/landlock.h), of which older headers know only the begin.
struct RulesetAttributes {
  uint64_t files;
  uint64_t network;  // version 4
  uint64_t scopes;   // version 6
};
struct [[gnu::packed]] PathRule {
  uint64_t allowed;
  int32_t folder;
};
constexpr unsigned kVersionQuery = 1;
constexpr int kPathBeneath = 1;

constexpr uint64_t kExecute = 1U << 0, kWriteFile = 1U << 1, kReadFile = 1U << 2, kReadFolder = 1U << 3;
constexpr uint64_t kTruncate = 1U << 14, kDevices = 1U << 15;
constexpr uint64_t kRead = kExecute | kReadFile | kReadFolder;
constexpr uint64_t kForFiles = kExecute | kWriteFile | kReadFile | kTruncate | kDevices;

// All rights that a version of the interface knows.
uint64_t AllOf(int version) {
  if (version >= 5) return (1U << 16) - 1;
  if (version >= 3) return (1U << 15) - 1;
  return version == 2 ? (1U << 14) - 1 : (1U << 13) - 1;
}

Outcome Allow(int ruleset, const char* path, uint64_t rights) {
  const Descriptor opened(open(path, O_PATH | O_CLOEXEC));
  if (!opened.valid()) return {};  // a system without it
  struct stat status {};
  if (fstat(opened.get(), &status) != 0) return Failed("look at a path");
  const PathRule rule{S_ISDIR(status.st_mode) ? rights : rights & kForFiles, opened.get()};
  if (syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0) != 0)
    return Failed("add a rule of Landlock");
  return {};
}

}  // namespace

Outcome Rules::Make(const char* work, const char* temporary, std::span<const char* const> shown) {
  version_ = static_cast<int>(syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionQuery));
  if (version_ < 1) return Failed("find Landlock in the kernel");
  const uint64_t all = AllOf(version_);
  RulesetAttributes attributes{.files = all, .network = 0, .scopes = 0};
  size_t size = sizeof attributes.files;
  if (version_ >= 4) {
    attributes.network = 3;  // bind and connect TCP
    size = offsetof(RulesetAttributes, scopes);
  }
  if (version_ >= 6) {
    attributes.scopes = 3;  // abstract sockets and signals
    size = sizeof attributes;
  }
  ruleset_ = Descriptor(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset_.valid()) return Failed("make rules of Landlock");
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
                           "/etc/alternatives", "/etc/localtime"}) {
    if (const Outcome allowed = Allow(ruleset_.get(), path, kRead); !allowed.ok()) return allowed;
  }
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    const uint64_t rights = (kReadFile | kWriteFile | kTruncate) & all;
    if (const Outcome allowed = Allow(ruleset_.get(), path, rights); !allowed.ok()) return allowed;
  }
  for (const char* path : shown) {
    if (const Outcome allowed = Allow(ruleset_.get(), path, kRead); !allowed.ok()) return allowed;
  }
  if (const Outcome allowed = Allow(ruleset_.get(), work, kRead); !allowed.ok()) return allowed;
  return Allow(ruleset_.get(), temporary, all & ~kDevices);
}

bool Rules::Enter() const {
  return !ruleset_.valid() || syscall(SYS_landlock_restrict_self, ruleset_.get(), 0) == 0;
}

}  // namespace tessy::launcher
