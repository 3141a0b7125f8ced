#include "judge/sandbox/launcher/view.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "judge/sandbox/launcher/folder.h"

#include "judge/sandbox/protocol.h"

namespace tessy::launcher {
namespace {

constexpr const char* kHost = "/old";
constexpr const char* kNew = "/new";

struct PathText {
  char text[PATH_MAX];

  PathText(const char* begin, const char* end) { std::snprintf(text, sizeof text, "%s%s", begin, end); }
  operator const char*() const { return text; }
};

// Of a whole tree of mounts.
bool MakeReadOnly(const char* path, bool with_devices) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | (with_devices ? 0 : MOUNT_ATTR_NODEV);
  return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) == 0;
}

// The folders of a path, from the root that it begins with.
void MakeFoldersOf(const char* path) {
  char partial[PATH_MAX];
  std::snprintf(partial, sizeof partial, "%s", path);
  for (char* slash = std::strchr(partial + 1, '/'); slash != nullptr; slash = std::strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(partial, 0755);
    *slash = '/';
  }
}

// Shows a path of the host where it is there; a link stays a link.
Outcome Show(const char* path, bool with_devices = false) {
  const PathText from(kHost, path);
  const PathText to(kNew, path);
  struct stat status {};
  if (lstat(from, &status) != 0) return {};
  MakeFoldersOf(to);
  if (S_ISLNK(status.st_mode)) {
    char target[PATH_MAX] = {};
    if (readlink(from, target, sizeof target - 1) < 0 || symlink(target, to) != 0)
      return Failed("copy a link");
    return {};
  }
  if (S_ISDIR(status.st_mode)) {
    if (mkdir(to, 0755) != 0 && errno != EEXIST) return Failed("make a folder of the view");
  } else {
    Descriptor(open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0444)).Close();
  }
  if (mount(from, to, nullptr, MS_BIND | MS_REC, nullptr) != 0) return Failed("show a path");
  if (!MakeReadOnly(to, with_devices)) return Failed("make a path read-only");
  return {};
}

Outcome ShowSystem() {
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
                           "/etc/alternatives", "/etc/localtime"}) {
    if (const Outcome shown = Show(path); !shown.ok()) return shown;
  }
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    if (const Outcome shown = Show(path, true); !shown.ok()) return shown;
  }
  const char* const links[][2] = {{"/proc/self/fd", "/new/dev/fd"},
                                  {"/proc/self/fd/0", "/new/dev/stdin"},
                                  {"/proc/self/fd/1", "/new/dev/stdout"},
                                  {"/proc/self/fd/2", "/new/dev/stderr"},
                                  {"/tmp", "/new/dev/shm"}};
  for (const auto& link : links) {
    if (symlink(link[0], link[1]) != 0) return Failed("make a link of the view");
  }
  return {};
}

Outcome EnterPrivateRoot() {
  // Nothing that follows may be seen outside.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("make mounts private");
  if (mount("tessy", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0) {
    return Failed("mount a root");
  }
  if (mkdir("/tmp/old", 0755) != 0 || mkdir("/tmp/new", 0755) != 0) return Failed("make a root");
  if (syscall(SYS_pivot_root, "/tmp", "/tmp/old") != 0) return Failed("enter a root");
  if (chdir("/") != 0) return Failed("enter a root");
  if (mount("tessy", kNew, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0)
    return Failed("mount a view");
  return {};
}

Outcome LeaveHost() {
  if (umount2(kHost, MNT_DETACH) != 0) return Failed("leave the machine's files");
  if (chdir(kNew) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return Failed("enter the view");
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) return Failed("enter the view");
  return {};
}

bool Remount(const char* path, unsigned long flags) {
  return mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | flags, nullptr) == 0;
}

}  // namespace

Outcome View::Build(std::span<const char* const> shown, uint64_t temporary_max, uint32_t entries_max) {
  temporary_max_ = temporary_max;
  entries_max_ = entries_max;
  if (const Outcome entered = EnterPrivateRoot(); !entered.ok()) return entered;
  if (const Outcome system = ShowSystem(); !system.ok()) return system;
  for (const char* path : shown) {
    if (const Outcome extra = Show(path); !extra.ok()) return extra;
  }
  for (const char* folder : {"/proc", kWorkFolder, kTemporaryFolder}) {
    if (mkdir(PathText(kNew, folder), 0755) != 0 && errno != EEXIST)
      return Failed("make a folder of the view");
  }
  // Before the machine's /proc goes: the kernel grants a new one beside a whole old one only.
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  has_proc_ = mount("proc", "/new/proc", "proc", flags, "subset=pid") == 0 ||
              mount("proc", "/new/proc", "proc", flags, nullptr) == 0;
  if (const Outcome left = LeaveHost(); !left.ok()) return left;
  if (mount("tessy", kWorkFolder, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0755") != 0) {
    return Failed("mount the work folder");
  }
  if (!Remount("/", MS_RDONLY)) return Failed("make the view read-only");
  return MountTemporary();
}

Outcome View::MountTemporary() const {
  char options[128];
  std::snprintf(options, sizeof options, "mode=1777,size=%llu,nr_inodes=%u",
                static_cast<unsigned long long>(temporary_max_), entries_max_);
  if (mount("tessy", kTemporaryFolder, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) {
    return Failed("mount the temporary folder");
  }
  return {};
}

Outcome View::OpenWork() {
  if (mount(nullptr, kWorkFolder, nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    return Failed("open the work folder");
  }
  return {};
}

Outcome View::CloseWork() {
  if (mount(nullptr, kWorkFolder, nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0755") != 0) {
    return Failed("close the work folder");
  }
  return {};
}

Outcome View::RenewTemporary() {
  if (IsUntouched(kTemporaryFolder)) return {};
  if (umount2(kTemporaryFolder, MNT_DETACH) != 0) return Failed("empty the temporary folder");
  return MountTemporary();
}

}  // namespace tessy::launcher
