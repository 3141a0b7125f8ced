#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The metadata and tensor list of a GGUF file, without its weights. Immutable after Open; safe from any
// thread.
class GgufFile {
 public:
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;  // innermost first, as ggml counts
    std::string type;            // "f32", "q8_0", …
    size_t offset = 0;           // bytes from the start of the file
    size_t bytes = 0;
  };

  // Errors name the path and tell a missing file from one that is not GGUF and from one that ends too early.
  static Result<GgufFile> Open(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return file_bytes_; }
  std::optional<std::string> String(const std::string& key) const;
  std::optional<int64_t> Integer(const std::string& key) const;
  std::optional<double> Number(const std::string& key) const;
  std::optional<bool> Boolean(const std::string& key) const;
  std::vector<std::string> Strings(const std::string& key) const;
  std::vector<float> Floats(const std::string& key) const;  // empty if absent or of another type
  // Every key with its value as text that people read; long arrays are shortened.
  std::vector<std::pair<std::string, std::string>> Describe() const;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* Find(const std::string& tensor_name) const;
  std::string architecture() const { return String("general.architecture").value_or(""); }
  // An integer of the architecture's own section: "qwen3.block_count" for "block_count".
  std::optional<int64_t> ArchInteger(const std::string& key) const {
    return Integer(architecture() + "." + key);
  }

  // How many numbers full attention caches for one token of one sequence: keys and values of every layer.
  uint64_t cache_values_per_token() const;

  // The tensor's values as F32, dequantised where needed.
  Result<std::vector<float>> ReadFloats(const Tensor& tensor) const;
  Result<std::vector<uint8_t>> ReadBytes(const Tensor& tensor) const;

  // Two models with equal fingerprints have the same vocabulary and tokenise alike, so ids may pass between
  // them.
  uint64_t vocabulary_fingerprint() const;

  // A hash of the file's size and of blocks spread over it: tells files apart without reading all of them.
  uint64_t content_fingerprint() const;

  // llama.cpp's objects, for the .cc files of model/text and model/llama.
  struct Handle;
  const Handle& handle() const { return *handle_; }

 private:
  std::string path_;
  uint64_t file_bytes_ = 0;
  std::vector<Tensor> tensors_;
  std::shared_ptr<Handle> handle_;
};

}  // namespace tessy
