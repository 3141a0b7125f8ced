#pragma once

#include "model/text/gguf_file.h"

struct gguf_context;
struct ggml_context;

namespace tessy {

// llama.cpp's own objects for an opened file, which this owns.
struct GgufFile::Handle {
  gguf_context* gguf = nullptr;
  ggml_context* ggml = nullptr;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();
};

}  // namespace tessy
