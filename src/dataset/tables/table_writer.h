#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// Writes a table that appears under its name at once and as a whole: until Commit it is NAME.tmp beside it,
// which the next writer of that name writes anew. Where the name is a link, the file behind it is meant, be
// it there or not. JSON lines, compressed with gzip or zstd where the name ends in .gz or .zst; Parquet where
// it ends in .parquet (column_types.h: its columns). Rows of Parquet wait until Commit in a file without a
// name in the same folder, which has room for both. Not thread-safe.
class TableWriter {
 public:
  // How Open takes a file that has the name already.
  enum class NameTaken {
    kRefused,
    kUntilCommit,  // it is left where it is, and the caller moves it away before Commit
  };
  // Makes the folder where it is missing. kConflict: the name is there already, or another process writes to
  // it. kNotFound: the name ends in .parquet, and there is no DuckDB to write it.
  static Result<TableWriter> Open(const std::string& path, NameTaken taken = NameTaken::kRefused);
  // Says what Open would, but for a name that is there already; makes nothing. kConflict: another process
  // writes to it. kNotFound: as Open.
  static Status CheckFree(const std::string& path);
  ~TableWriter();
  TableWriter(TableWriter&&) noexcept;
  TableWriter& operator=(TableWriter&&) noexcept;

  // The line without its newline. kIo: a full disk and the like, with the system's reason. kInvalidData: it
  // cannot stand in Parquet.
  Status Write(std::string_view line);
  // Brings all to the disk, after which nothing can be written any more. Only Commit is left to do, which
  // needs no space. kCancelled: `stop` became true while Parquet was made.
  Status Finish(const std::atomic<bool>* stop = nullptr);
  // Finish, and gives the file its name. Without it nothing is left under the name.
  // kConflict: something has appeared under the name meanwhile; it stays, and the rows are in NAME.tmp.
  Status Commit(const std::atomic<bool>* stop = nullptr);

 private:
  struct Impl;
  explicit TableWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
