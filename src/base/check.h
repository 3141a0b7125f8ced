#pragma once

#include <cstdio>
#include <cstdlib>

namespace tessy::internal {
[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, condition);
  std::abort();
}
}  // namespace tessy::internal

// Stops the program and prints the place if the condition does not hold. Only for mistakes of the
// programmer, never for input.
#define TESSY_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tessy::internal::CheckFailed(__FILE__, __LINE__, #condition))
