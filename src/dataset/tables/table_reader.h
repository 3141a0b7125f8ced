#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

struct TableOptions {
  // Columns of Parquet for which this is true are not read; empty: all are.
  std::function<bool(std::string_view column)> leaves_out = {};
  // The assistant's turns in lists of turns ({role, content}, {from, value}) of Parquet are not handed on.
  bool without_assistant = false;
};

// Reads the rows of a table: JSON lines, plain or compressed with gzip or zstd, or Parquet, whichever the
// first bytes of a file say; of one file, of a folder, or of files that match a pattern (table_files.h), one
// file after the other. Every row comes as one line that should be a JSON object; lines of text are not
// parsed, rows of Parquet are written as JSON. Holds one row of text, or 2,048 rows of Parquet. Not
// thread-safe.
//
// Errors are one line that names the file: nothing there, an empty file, a damaged or truncated one, Parquet
// files of one table that differ in their columns.
class TableReader {
 public:
  static Result<TableReader> Open(const std::string& name, TableOptions options = {});
  ~TableReader();
  TableReader(TableReader&&) noexcept;
  TableReader& operator=(TableReader&&) noexcept;

  // The next row; empty at the end. Blank lines are passed over. The view is valid until the next call.
  Result<std::optional<std::string_view>> Next();

  const std::vector<std::string>& files() const;
  size_t file() const;        // the index in files() of the last row's
  size_t row() const;         // its number in that file, from 1: the line of a text, the row of Parquet
  std::string Where() const;  // "questions.jsonl:7"

 private:
  struct Impl;
  explicit TableReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
