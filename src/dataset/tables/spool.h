#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// A file without a name: its space is free again when it is closed, however the program ends. Texts are
// appended to it, and read again from where they stand. Not thread-safe.
class Spool {
 public:
  // Makes it in a folder that is there; empty: in $TMPDIR, or else /tmp.
  static Result<Spool> Make(const std::string& folder = {});
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&& other) noexcept;
  ~Spool();

  // Where the text begins. kIo: there is no space left, with the folder.
  Result<uint64_t> Append(std::string_view text);
  Result<std::string> Read(uint64_t offset, size_t bytes);
  // Gives the file away, all appended and at its begin; the spool is then no longer used.
  Result<int> Release();

 private:
  Spool(int descriptor, std::string folder) : descriptor_(descriptor), folder_(std::move(folder)) {}
  Status Flush();

  int descriptor_;
  std::string folder_;
  std::string buffer_;    // of what is not written yet
  uint64_t written_ = 0;  // bytes
};

}  // namespace tessy
