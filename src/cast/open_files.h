#pragma once

namespace tessy {

// How many samples a process may stream at a time: as many as `wanted` where that many sockets may be open,
// else fewer, with a warning. Raises the process's limit of open files as far as it may.
int FitOpenFiles(int wanted);

}  // namespace tessy
