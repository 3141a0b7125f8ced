#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// Opens a GGUF file of architecture qwen3 that holds a language model or a boundary predictor.
Result<std::unique_ptr<Checkpoint>> OpenGgufCheckpoint(const std::string& path);

}  // namespace tessy
