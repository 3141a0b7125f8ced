#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "base/descriptor.h"

// Small parts that the launcher is made of. It is one thread, so that it may fork at any
// time.
namespace tessy::launcher {

// How a step ended: `failure` is 0, or errno and the step's name.
struct Outcome {
  int failure = 0;
  const char* step = "";

  bool ok() const { return failure == 0; }
};

inline Outcome Failed(const char* step) { return {errno == 0 ? EIO : errno, step}; }

// Nanoseconds of a clock that does not jump.
uint64_t Now();

// The number in a file that was opened before, from its begin; `otherwise` where there is none.
uint64_t ReadNumber(int file, uint64_t otherwise);
// The number after `key` and a blank in such a file ("oom_kill 3").
uint64_t ReadNumberOf(int file, std::string_view key, uint64_t otherwise);
// False: the kernel refused it.
bool WriteText(int file, std::string_view text);
bool WriteNumber(int file, uint64_t number);

}  // namespace tessy::launcher
