#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// Says whether a file that a user names can be read from its begin to an end: kInvalidArgument for a folder,
// and for a named pipe, a device or a socket, which could keep a reader waiting for ever. The message says
// what is there and what to give instead.
// A pipe or device that is open already is taken: /dev/stdin, and /dev/fd/63 as a shell passes <(command).
// What is not there is for the one who opens it to report.
Status CheckReadable(const std::string& path);

}  // namespace tessy
