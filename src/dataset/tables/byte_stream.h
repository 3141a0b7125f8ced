#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/error.h"

namespace tessy {

// Bytes that are read once, from the begin to the end. Not thread-safe.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads up to `size` bytes; 0 at the end. Errors name the file.
  virtual Result<size_t> Read(char* out, size_t size) = 0;
};

// The kind of a file, as its first bytes tell.
enum class FileKind { kPlain, kGzip, kZstd, kParquet };

struct OpenedFile {
  FileKind kind = FileKind::kPlain;
  // The content, decompressed; empty for Parquet, which is read at many places.
  std::unique_ptr<ByteStream> stream;
};

// Opens a file, whatever its name says, and finds out its kind. "-" is standard input. Of gzip and zstd every
// part is read where several follow each other. Errors: as CheckReadable, the system's reason, and
// kInvalidData for a Git-LFS pointer and for compressions that are not read.
Result<OpenedFile> OpenBytes(const std::string& path);

}  // namespace tessy
