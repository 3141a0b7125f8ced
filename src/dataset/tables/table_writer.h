#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// Writes a table of JSON lines that appears under its name at once and as a whole: until Commit it is
// NAME.tmp beside it, which the next writer of that name writes anew. Where the name is a link, the file
// behind it is meant, be it there or not. Compressed with gzip or zstd where the name ends in .gz or .zst.
// Not thread-safe.
class TableWriter {
 public:
  // How Open takes a file that has the name already.
  enum class NameTaken {
    kRefused,
    kUntilCommit,  // it is left where it is, and the caller moves it away before Commit
  };
  // Makes the folder where it is missing. kConflict: the name is there already, or another process writes to
  // it. kInvalidArgument: the name ends in .parquet.
  static Result<TableWriter> Open(const std::string& path, NameTaken taken = NameTaken::kRefused);
  // Says what Open would, but for a name that is there already; makes nothing. kConflict: another process
  // writes to it. kInvalidArgument: as Open.
  static Status CheckFree(const std::string& path);
  ~TableWriter();
  TableWriter(TableWriter&&) noexcept;
  TableWriter& operator=(TableWriter&&) noexcept;

  // The line without its newline. kIo: a full disk and the like, with the system's reason.
  Status Write(std::string_view line);
  // Brings all to the disk, after which nothing can be written any more. Only Commit is left to do, which
  // needs no space.
  Status Finish();
  // Finish, and gives the file its name. Without it nothing is left under the name.
  // kConflict: something has appeared under the name meanwhile; it stays, and the rows are in NAME.tmp.
  Status Commit();

 private:
  struct Impl;
  explicit TableWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
