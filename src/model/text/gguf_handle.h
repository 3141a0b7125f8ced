#pragma once

#include "model/text/gguf_file.h"

struct gguf_context;
struct ggml_context;

namespace tessy {

// What llama.cpp's library holds of an opened file; owned.
struct GgufFile::Handle {
  gguf_context* gguf = nullptr;
  ggml_context* ggml = nullptr;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();
};

}  // namespace tessy
