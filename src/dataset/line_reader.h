#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// Reads the lines of a text file as people write them: a byte-order mark, CRLF and blank lines are dropped.
// A line may have any length and hold any bytes. Not thread-safe.
class LineReader {
 public:
  // The path "-" is standard input. Otherwise errors as CheckReadable, or the system's reason.
  static Result<LineReader> Open(std::string path);

  // The next line that is not blank; empty at the end. The view is valid until the next call.
  Result<std::optional<std::string_view>> Next();

  const std::string& name() const { return name_; }
  size_t line() const { return line_; }  // number of the last line read, from 1; blank lines count
  // The offset of that line in its file, in bytes, as ReadAt takes it.
  uint64_t offset() const { return offset_; }
  // True if the input can be read again: a file, not a pipe or standard input.
  bool rereadable() const;
  // Reads `bytes` bytes at the offset, whatever Next has read; fewer if the file ends before. Only for an
  // input that is rereadable().
  Result<std::string> ReadAt(uint64_t offset, size_t bytes) const;
  std::string Where() const;  // "questions.jsonl:7"

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };
  struct Free {
    void operator()(char* buffer) const { std::free(buffer); }
  };

  LineReader(std::string name, std::FILE* file) : name_(std::move(name)), file_(file) {}
  std::optional<std::string_view> NextRaw();

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<char, Free> buffer_;
  size_t capacity_ = 0;
  size_t line_ = 0;
  uint64_t offset_ = 0;
  uint64_t next_offset_ = 0;
};

}  // namespace tessy
