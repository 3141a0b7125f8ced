#pragma once

namespace tessy {

// The exit statuses of the program.
inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 1;        // usage or configuration
inline constexpr int kExitSomeFailed = 2;   // finished, but some samples failed for good
inline constexpr int kExitInterrupted = 3;  // the same command goes on
inline constexpr int kExitBackendUnreachable = 4;

}  // namespace tessy
