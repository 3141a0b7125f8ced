#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// A file of lines that only grows. It has one writer at a time, which holds a lock on it (flock) as long as
// the object lives; where the file system has no locks, there is a warning in the log instead, once. After a
// crash a line is there completely or not at all: text after the last newline is a torn line and is cut off.
// Not thread-safe. Movable.
class AppendFile {
 public:
  // Opens the file for appending; makes the file and its folders where they are missing. kConflict: another
  // process has it open. kIo: it cannot be written, with the system's reason.
  static Result<AppendFile> Open(const std::string& path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // Calls `line` with every whole line, in order, until it returns an error; that error is returned. Reading
  // begins at the byte `from`, which must be the begin of a line; that line has the number 1.
  Status ForEachLine(const std::function<Status(std::string_view line, size_t number)>& line,
                     uint64_t from = 0) const;
  // Whether a line ends after so many bytes.
  bool EndsLineAt(uint64_t bytes) const;
  // Cuts off a torn last line. Returns its size in bytes, 0 if there was none.
  Result<size_t> RepairTail();
  // Writes the line and a newline, and does not return before the operating system has them. On failure (a
  // full disk) the part that was written is removed again. kConflict: as CheckUntouched; nothing is written.
  Status Append(std::string_view line);
  // kConflict where the path no longer leads to this file (somebody has removed, renamed or replaced it), or
  // where its size is not what this object has left: somebody else has written to it.
  Status CheckUntouched() const;
  // Cuts off all but the first `count` whole lines.
  Status KeepLines(size_t count);
  bool empty() const { return size() == 0; }
  uint64_t size() const;
  const std::string& path() const { return path_; }

 private:
  AppendFile(std::string path, int descriptor);

  std::string path_;
  int descriptor_ = -1;
  uint64_t expected_size_ = 0;
};

// Whether some process holds the file's lock.
bool IsBeingWritten(const std::string& path);

// Whether an AppendFile of this process was opened where there are no locks. Probing a file for it is no way:
// closing the probe would take SQLite's locks away.
bool LocksAreMissing();

// Whether an error of the system says that the file system has no locks (Lustre and NFS without them).
bool HasNoLocks(int error);

// Replaces the whole file, or leaves the old one: writes a temporary file beside it and renames that. A link
// stays, and the file behind it is replaced.
Status WriteWhole(const std::string& path, std::string_view content);
// Errors as CheckReadable (base/readable_file.h), or the system's reason.
Result<std::string> ReadWhole(const std::string& path);
// A file that people write: without a byte-order mark, and with LF for CRLF.
Result<std::string> ReadText(const std::string& path);

}  // namespace tessy
