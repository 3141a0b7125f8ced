#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/sha256.h"
#include "store/append_file.h"

namespace tessy {

// The folder that an export makes. All is written into a folder beside it ("OUT.tmp"), which takes its place
// at the end: OUT is there whole or not at all. Without Finish what was written is removed with the object.
// Movable; not thread-safe.
class ExportFiles {
 public:
  // kConflict: OUT is there already, another export writes to it, or OUT.tmp holds what no export writes.
  // What a killed export left is removed. kNotFound: Parquet is wanted, and there is no DuckDB to write it.
  static Result<ExportFiles> Open(const std::string& out, bool in_parquet);

  Status AddRow(std::string_view line);
  Status AddRejected(std::string_view line);
  // Keeps only the rows with these numbers, counted from 0 and ascending, in a file that is written anew.
  Status KeepRows(std::span<const size_t> rows);
  Status Write(const std::string& name, std::string_view text);
  // Brings the rows into their last form, and gives their SHA-256. No row can be added afterwards.
  // kCancelled: `stop` became true while Parquet was made.
  Result<std::string> CloseRows(const std::atomic<bool>& stop);
  // The rows' file: "train.jsonl" or "train.parquet".
  const std::string& rows_name() const { return rows_name_; }
  Status Finish();

 private:
  // Removes a folder.
  struct Remove {
    void operator()(std::string* folder) const;
  };
  ExportFiles(std::string out, const std::string& folder, AppendFile rows, AppendFile rejected);
  Result<std::string> MakeParquet(const std::atomic<bool>& stop) const;

  std::string out_;
  std::string rows_name_;
  std::unique_ptr<std::string, Remove> folder_;
  AppendFile rows_;
  AppendFile rejected_;
  Sha256 hash_;
};

// The SHA-256 of a file's content. Errors as ReadWhole.
Result<std::string> Sha256OfFile(const std::string& path);

}  // namespace tessy
