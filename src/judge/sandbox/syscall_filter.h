#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// The filter of system calls for programs in the sandbox, as instructions of BPF (struct sock_filter). It
// refuses with EPERM what a solution of a problem never needs and the kernel has had trouble with:
// namespaces, mounts, tracing and the memory of other processes, io_uring, bpf, keys, performance counters,
// userfaultfd, file handles, clocks, kernel modules, message queues and shared memory that outlive a process,
// the limits and priorities of other processes. clone3, whose flags cannot be looked at, is ENOSYS. A call by
// another architecture's table (32 bits, x32) kills the process. `without_sockets`: for the level that has
// neither a network namespace nor a view of its own: sockets are refused but for pairs that are connected,
// and so are modes, owners, times and extended attributes of files, which Landlock leaves open.
Result<std::string> SyscallFilter(bool without_sockets);

}  // namespace tessy
