#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// A program to be run beside ours.
struct ChildCommand {
  std::vector<std::string> arguments;  // the program first: a path, or a name to be found in PATH
  std::string input;                   // what it reads on standard input
  std::chrono::milliseconds wall_max{60'000};
  // Whether it does not get this variable of our environment; empty: it gets all.
  std::function<bool(std::string_view name)> hides = {};
};

// How a program ended.
struct ChildEnd {
  int exit_status = 0;  // where no signal ended it
  int signal = 0;       // 0: it ended by itself

  bool operator==(const ChildEnd&) const = default;
};

// Runs programs, a bounded number at a time; further ones wait in the order in which they were asked for.
// Each is in a process group of its own, reads a file without a name, writes to /dev/null, shares our
// standard error, and has no other open file of ours. What it leaves running in its group is killed when it
// ends. One thread starts all programs and waits for them without polling, so that no call of this class
// waits for a program.
//
// All calls, and the callbacks, on the thread that drives the run. Needs Linux 5.3 (pidfd_open).
class ChildPool {
 public:
  // Brings a callback to the driving thread; callable from any thread until the pool is gone.
  using Post = std::function<void(std::function<void()>)>;
  // kResourceLimit: it ran longer than `wall_max`, and was killed with its whole group. kCancelled: Cancel.
  // kIo: it could not be started.
  using Done = std::function<void(Result<ChildEnd>)>;

  // `children_max`: programs at a time, at least 1. `post` must outlive the pool.
  ChildPool(int children_max, Post post);
  // Kills what runs, with its process group, and waits for its end. Callbacks that have not run never will.
  ~ChildPool();
  ChildPool(const ChildPool&) = delete;
  ChildPool& operator=(const ChildPool&) = delete;

  // `done` is called once, later, never from within this call.
  void Run(ChildCommand command, Done done);
  // Ends all that was asked for before this call with kCancelled: what runs is killed with its process group.
  void Cancel();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
