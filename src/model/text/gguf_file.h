#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The metadata and tensor list of a GGUF file, without its weights. A model that was split into several files
// (NAME-00001-of-00003.gguf, llama.cpp's gguf-split) is one GgufFile: that of its first file, with the
// tensors of all of them. Immutable after Open; safe from any thread.
class GgufFile {
 public:
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;  // innermost first, as ggml counts
    std::string type;            // "f32", "q8_0", …
    int type_id = 0;             // ggml's number of that type
    size_t file = 0;             // index in paths()
    size_t offset = 0;           // bytes from the start of that file
    size_t bytes = 0;
  };

  // Errors name the path and tell a missing file from one that is not GGUF, from one that ends too early, and
  // from a later part of a split model; and values that llama.cpp would end the process for by their keys.
  static Result<GgufFile> Open(const std::string& path);

  const std::string& path() const { return paths_.front(); }
  const std::vector<std::string>& paths() const { return paths_; }  // of all parts
  uint64_t file_bytes() const;                                      // of all parts
  std::optional<std::string> String(const std::string& key) const;
  std::optional<int64_t> Integer(const std::string& key) const;
  std::optional<double> Number(const std::string& key) const;
  std::optional<bool> Boolean(const std::string& key) const;
  std::vector<std::string> Strings(const std::string& key) const;
  size_t Count(const std::string& key) const;                   // entries of an array; 0: there is none
  std::vector<float> Floats(const std::string& key) const;      // empty if absent or of another type
  std::vector<int64_t> Integers(const std::string& key) const;  // of 32 bits; empty as above
  // Every key with its value as text that people read; long arrays are shortened.
  std::vector<std::pair<std::string, std::string>> Describe() const;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* Find(const std::string& tensor_name) const;
  std::string architecture() const { return String("general.architecture").value_or(""); }
  // An integer of the architecture's own section: "qwen3.block_count" for "block_count".
  std::optional<int64_t> ArchInteger(const std::string& key) const {
    return Integer(architecture() + "." + key);
  }

  // How many numbers each layer caches for one token of one sequence: its keys and values, as full attention
  // does. 0 for a layer that has none: of a hybrid model, those whose attention.head_count_kv is 0, or that
  // full_attention_interval leaves out (llama.cpp's load_hparams).
  std::vector<uint64_t> cache_values_by_layer() const;
  // The sum of them.
  uint64_t cache_values_per_token() const;

  // The tensor's values as F32, dequantised where needed.
  Result<std::vector<float>> ReadFloats(const Tensor& tensor) const;
  Result<std::vector<uint8_t>> ReadBytes(const Tensor& tensor) const;

  // Two models with equal fingerprints have the same vocabulary and tokenise alike, so ids may pass between
  // them.
  uint64_t vocabulary_fingerprint() const;

  // A hash of the size of each part and of blocks spread over it: tells files apart without reading all.
  uint64_t content_fingerprint() const;

  // llama.cpp's objects, for the .cc files of model/text and model/llama.
  struct Handle;
  const Handle& handle() const { return *handle_; }

 private:
  static Result<GgufFile> OpenOne(const std::string& path);
  Status AddParts();

  std::vector<std::string> paths_;
  std::vector<uint64_t> bytes_;  // of each path
  std::vector<Tensor> tensors_;
  std::shared_ptr<Handle> handle_;
};

// The files of the model that is given by this path: its parts, if the name is that of the first part of a
// split model, else the path itself. Looks at the name alone.
std::vector<std::string> GgufPartsOf(const std::string& path);

}  // namespace tessy
