#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// Opens a folder of Qwen3ForCausalLM or Qwen3ForTokenClassification: config.json, and model.safetensors or
// its shards with model.safetensors.index.json.
Result<std::unique_ptr<Checkpoint>> OpenHuggingFaceCheckpoint(const std::string& folder);

}  // namespace tessy
