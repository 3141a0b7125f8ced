#pragma once

#include "base/error.h"
#include "model/text/gguf_file.h"

namespace tessy {

// Refuses values of the file's metadata for which llama.cpp ends the process, with file and key: counts of
// layers, experts, heads and rotated dimensions that are out of range or do not fit one another.
Status CheckGgufValues(const GgufFile& file);

}  // namespace tessy
