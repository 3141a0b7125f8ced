#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "weights/checkpoint.h"

namespace tessy {

// A file of Hugging Face's safetensors format (github.com/huggingface/safetensors, "Format"): 8 bytes of
// header length, a JSON header, the tensors' bytes. Immutable after Open; safe from any thread.
class SafetensorsFile {
 public:
  struct Tensor {
    std::string name;
    std::string type;  // "F32", "F16", "BF16", "I64", …
    std::vector<int64_t> shape;
    uint64_t begin = 0;  // bytes of the file
    uint64_t end = 0;
  };

  // Checks the whole header: it lies inside the file, and the tensors lie inside the file, tile it, and are
  // as large as shape and type say.
  static Result<SafetensorsFile> Open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }  // in the order of their bytes
  const Metadata& metadata() const { return metadata_; }           // "__metadata__" of its header
  const Tensor* Find(const std::string& name) const;
  Result<std::vector<float>> ReadFloats(const Tensor& tensor) const;      // F32, F16, BF16
  Result<std::vector<int64_t>> ReadIntegers(const Tensor& tensor) const;  // I64, I32

 private:
  Result<std::string> ReadBytes(const Tensor& tensor) const;

  std::string path_;
  std::vector<Tensor> tensors_;
  Metadata metadata_;
};

// Writes a file of these tensors, one at a time, under a temporary name that is then renamed. `type` is the
// type of matrices (see StoredAs).
Status WriteSafetensors(const std::string& path, std::span<const TensorSpec> tensors,
                        const TensorReader& read, WeightType type, const Metadata& metadata);

}  // namespace tessy
