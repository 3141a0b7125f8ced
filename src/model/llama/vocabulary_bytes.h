#pragma once

#include <cstdint>

#include "model/text/gguf_file.h"

namespace tessy {

// The memory that a model's vocabulary takes once it is loaded, in bytes, besides the file, which is mapped.
// Not small where models are: 96 MiB for the 262,144 tokens of a file of 241 MiB. An estimate by the number
// of tokens; pure.
uint64_t VocabularyBytes(const GgufFile& file);

}  // namespace tessy
