#pragma once

#include <chrono>
#include <cstdint>

namespace tessy {

// The time of day by the system's clock, in milliseconds since 1970, UTC. It may jump, so durations are
// measured with std::chrono::steady_clock.
inline int64_t UnixMilliseconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace tessy
