#include "judge/sandbox/launcher/crowd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace tessy::launcher {
namespace {

constexpr uint64_t kEndMax = 20'000'000'000;  // nanoseconds; what stays longer hangs in the kernel
constexpr uid_t kOwnUsersFrom = 1'000'000'000;

// Of small files of /proc. Empty: the process is gone.
size_t ReadFile(const char* path, char* buffer, size_t size) {
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t count = file.valid() ? read(file.get(), buffer, size - 1) : 0;
  buffer[count < 0 ? 0 : count] = '\0';
  return count < 0 ? 0 : static_cast<size_t>(count);
}

// Calls visit(pid) for the descendants of a process, by the kernel's lists of children.
template <class Visit>
void ForDescendants(pid_t process, const Visit& visit, int depth = 0) {
  if (depth > 512) return;
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task", process);
  DIR* const tasks = opendir(path);
  if (tasks == nullptr) return;
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    char children[8192];
    std::snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", process, task->d_name);
    ReadFile(path, children, sizeof children);
    char* at = children;
    while (true) {
      char* end = nullptr;
      const auto child = static_cast<pid_t>(std::strtol(at, &end, 10));
      if (end == at || child <= 1) break;
      at = end;
      ForDescendants(child, visit, depth + 1);
      visit(child);
    }
  }
  closedir(tasks);
}

template <class Visit>
void ForAllOfProc(const Visit& visit) {
  DIR* const processes = opendir("/proc");
  if (processes == nullptr) return;
  while (const dirent* entry = readdir(processes)) {
    const auto process = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (process > 1) visit(process);
  }
  closedir(processes);
}

void Add(pid_t process, Crowd::Sums& sums) {
  static const auto kPage = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  static const uint64_t kTick = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  char path[64];
  char text[1024];
  std::snprintf(path, sizeof path, "/proc/%d/stat", process);
  if (ReadFile(path, text, sizeof text) == 0) return;
  const char* const after_name = std::strrchr(text, ')');
  unsigned long user_ticks = 0;
  unsigned long system_ticks = 0;
  long pages = 0;
  if (after_name == nullptr ||
      std::sscanf(after_name + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
                  "%*u %*u %ld",
                  &user_ticks, &system_ticks, &pages) != 3) {
    return;
  }
  sums.cpu += (user_ticks + system_ticks) * kTick;
  sums.memory += static_cast<uint64_t>(pages > 0 ? pages : 0) * kPage;
}

// What a process holds alone, and its part of what it shares: after a fork the resident sizes count the same
// pages twice. Its resident size where the kernel does not tell.
void AddProportional(pid_t process, Crowd::Sums& sums) {
  char path[64];
  char text[2048];
  std::snprintf(path, sizeof path, "/proc/%d/smaps_rollup", process);
  if (ReadFile(path, text, sizeof text) == 0) return Add(process, sums);
  const char* const line = std::strstr(text, "\nPss:");
  if (line != nullptr) sums.memory += std::strtoull(line + 5, nullptr, 10) * 1024;
}

// A process that kills all of a user, after it has become this user and nothing more: from then on the kernel
// itself lets its signals reach nobody else.
void KillUser(uid_t user) {
  if (user < kOwnUsersFrom) return;
  const pid_t killer = fork();
  if (killer == 0) {
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    if (setresuid(user, user, user) == 0 && getresuid(&real, &effective, &saved) == 0 && real == user &&
        effective == user && saved == user) {
      kill(-1, SIGKILL);
    }
    _exit(0);
  }
  if (killer > 0) waitpid(killer, nullptr, 0);
}

}  // namespace

void Crowd::KillAll() const {
  switch (bound_) {
    case Bound::kNamespace:
      // As the first process of a namespace, -1 means the others of this namespace. Anywhere else it would
      // mean the machine.
      if (getpid() == 1) kill(-1, SIGKILL);
      return;
    case Bound::kUser:
      KillUser(user_);
      return;
    case Bound::kTree: {
      // First none may start further ones.
      const rlimit none{0, 0};
      ForDescendants(getpid(), [&](pid_t process) { prlimit(process, RLIMIT_NPROC, &none, nullptr); });
      ForDescendants(getpid(), [](pid_t process) { kill(process, SIGKILL); });
      return;
    }
  }
}

bool Crowd::End() {
  const uint64_t deadline = Now() + kEndMax;
  while (true) {
    KillAll();
    while (true) {
      const pid_t reaped = waitpid(-1, nullptr, WNOHANG | __WALL);
      if (reaped < 0 && errno == ECHILD) return true;
      if (reaped == 0) break;
      if (reaped < 0 && errno != EINTR) return false;
    }
    if (Now() > deadline) return false;
    // The killed ones are on their way out: the next of them wakes us, or a little time passes.
    const timespec moment{0, 2'000'000};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigtimedwait(&child, nullptr, &moment);
  }
}

template <class Visit>
void Crowd::ForEach(const Visit& visit) const {
  if (bound_ == Bound::kNamespace) {
    ForAllOfProc(visit);
  } else {
    ForDescendants(getpid(), visit);
  }
}

Crowd::Sums Crowd::Measure() const {
  Sums sums;
  ForEach([&](pid_t process) { Add(process, sums); });
  return sums;
}

uint64_t Crowd::ProportionalMemory() const {
  Sums sums;
  ForEach([&](pid_t process) { AddProportional(process, sums); });
  return sums.memory;
}

}  // namespace tessy::launcher
