#pragma once

#include <cstdint>
#include <functional>

namespace tessy::bench {

// The cost of a child process.
struct Spent {
  double cpu_seconds = 0.0;  // of all its threads, user and system
  double seconds = 0.0;      // by the clock
  uint64_t peak_bytes = 0;   // its largest resident memory
};

// Runs the work in a child process, so that its memory is its own, and gives what it cost. To be called while
// this process has one thread. Ends this process if the work returns false or dies.
Spent InChild(const std::function<bool()>& work);

}  // namespace tessy::bench
