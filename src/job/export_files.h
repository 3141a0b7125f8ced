#pragma once

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
  // What a killed export left is removed.
  static Result<ExportFiles> Open(const std::string& out);

  Status AddRow(std::string_view line);
  Status AddRejected(std::string_view line);
  // Keeps only the rows with these numbers, counted from 0 and ascending, in a file that is written anew.
  Status KeepRows(std::span<const size_t> rows);
  Status Write(const std::string& name, std::string_view text);
  // The SHA-256 of the rows. No row can be added afterwards.
  std::string RowsHash();
  Status Finish();

 private:
  // Removes a folder.
  struct Remove {
    void operator()(std::string* folder) const;
  };
  ExportFiles(std::string out, const std::string& folder, AppendFile rows, AppendFile rejected);

  std::string out_;
  std::unique_ptr<std::string, Remove> folder_;
  AppendFile rows_;
  AppendFile rejected_;
  Sha256 hash_;
};

// The SHA-256 of a file's content. Errors as ReadWhole.
Result<std::string> Sha256OfFile(const std::string& path);

}  // namespace tessy
