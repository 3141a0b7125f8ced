#pragma once

#include "ggml.h"
#include "gguf.h"
#include "model/llama/gguf_file.h"

namespace tessy {

struct GgufFile::Handle {
  gguf_context* gguf = nullptr;
  ggml_context* ggml = nullptr;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (gguf != nullptr) gguf_free(gguf);
    if (ggml != nullptr) ggml_free(ggml);
  }
};

}  // namespace tessy
