#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// A file of lines that only grows, one writer at a time: the writer holds a lock on it (flock) for as long as
// the object lives. A line is there whole or, after a crash, not at all: what stands after the last newline
// when the file is opened was torn and is cut off. Not thread-safe. Movable.
class AppendFile {
 public:
  // Opens for appending, makes the file and its folders where they are missing. kConflict: somebody else has
  // it open. kIo: cannot be written, with the system's reason.
  static Result<AppendFile> Open(const std::string& path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // Calls `line` with every whole line, in order, until it returns an error; that error is returned. Numbers
  // count from 1, at the byte `from`, where a line begins.
  Status ForEachLine(const std::function<Status(std::string_view line, size_t number)>& line,
                     uint64_t from = 0) const;
  // Does a line end after so many bytes?
  bool EndsLineAt(uint64_t bytes) const;
  // Cuts off a torn last line. Returns its size in bytes, 0 if there was none.
  Result<size_t> RepairTail();
  // Writes line and newline, and does not return before the system has them. On failure (a full disk) what
  // was written of the line is taken back.
  Status Append(std::string_view line);
  // Cuts off all but the first `count` whole lines.
  Status KeepLines(size_t count);
  bool empty() const { return size() == 0; }
  uint64_t size() const;
  const std::string& path() const { return path_; }

 private:
  AppendFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
};

// Does somebody hold the file's lock?
bool IsBeingWritten(const std::string& path);

// Writes the whole file, or leaves what was there: by a temporary file beside it, renamed over it.
Status WriteWhole(const std::string& path, std::string_view content);
Result<std::string> ReadWhole(const std::string& path);

}  // namespace tessy
