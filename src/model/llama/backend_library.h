#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// Backends of ggml as libraries that are loaded when they are asked for, so that a program that was built for
// the processor alone computes on graphics cards, too. The library must be of the version of llama.cpp that
// the program is linked with: its structures are shared without a check of each. Its references to ggml are
// bound to the program's own functions, which the program exports.

// The libraries that people gave: the file that the environment variable TESSY_GPU_BACKEND names; else every
// libggml-*.so but libggml-base.so in the folder `gpu` beside the program, by name.
std::vector<std::string> BackendLibraries();

// Makes the backend in the library at `path` known to llama.cpp for the rest of the process, before any model
// is loaded. A backend that finds no driver or no device is well, and brings no devices. kInvalidArgument
// where the file is no such library, or lacks another one. Not from two threads at a time.
Status LoadBackendLibrary(const std::string& path);

}  // namespace tessy
