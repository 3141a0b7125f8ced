#include "child.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "clocks.h"

namespace tessy::bench {
namespace {

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

Spent InChild(const std::function<bool()>& work) {
  std::fflush(stdout);  // or the child would write it again
  const double begin = WallSeconds();
  const pid_t child = fork();
  if (child == 0) {
    const bool done = work();
    std::fflush(stdout);
    _exit(done ? 0 : 1);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0) {
    fmt::print(stderr, "bench: a part of it failed\n");
    std::exit(1);
  }
  return {.cpu_seconds = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime),
          .seconds = WallSeconds() - begin,
          .peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) << 10};
}

}  // namespace tessy::bench
