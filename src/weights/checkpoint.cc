#include "weights/checkpoint.h"

#include <filesystem>

#include "weights/gguf_checkpoint.h"
#include "weights/hugging_face.h"

namespace tessy {

Result<std::unique_ptr<Checkpoint>> OpenCheckpoint(const std::string& path) {
  std::error_code status;
  return std::filesystem::is_directory(path, status) ? OpenHuggingFaceCheckpoint(path)
                                                     : OpenGgufCheckpoint(path);
}

}  // namespace tessy
