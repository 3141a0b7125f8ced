#pragma once

#include <string>
#include <string_view>

namespace tessy {

// The path of a file or folder of this source tree, for tests and benchmarks:
// InSource("lab/models/student.gguf"). The tree is the one that $TESSY_SOURCE_DIR names; without that
// variable, the nearest folder above the running program, then above the working folder, that holds
// ARCHITECTURE.md. The path is not compiled in, so that a second clone in another folder finds its objects in
// the compiler cache. Ends the program with one line where there is none.
std::string InSource(std::string_view relative);

// The same for llama.cpp's source: $TESSY_LLAMA_DIR, else build/deps/llama.cpp in the source tree.
std::string InLlamaSource(std::string_view relative);

}  // namespace tessy
