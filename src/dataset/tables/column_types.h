#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// The columns that rows of JSON have, found while the rows go by, for a Parquet file of them. A list becomes
// a list, an object a struct with all fields that it has in any row; a field that a row lacks is null there.
// Values of one place that are of different kinds (a text here, a number there), objects without fields, with
// more than 100 of them or with names that differ in capitals alone, and numbers that a column would round
// become JSON: a text that says so of itself. A place that only ever holds null is a text. Memory grows with
// the columns, not with the rows. Not thread-safe.
class ColumnTypes {
 public:
  ColumnTypes();
  ~ColumnTypes();
  ColumnTypes(ColumnTypes&&) noexcept;
  ColumnTypes& operator=(ColumnTypes&&) noexcept;

  // The line of a row. kInvalidData: it is no JSON object, or its own fields have names that no columns can
  // have: an empty one, or two that differ in capitals alone. After an error the object is not to be used.
  Status Add(std::string_view line);

  // The argument `columns` of DuckDB's read_json: "{'id': 'VARCHAR', …}"; empty where no row has a field.
  std::string Sql() const;
  // The rows of a group, a power of two: so many that no group, wherever it begins, is of more than 64 MiB of
  // text, unless a row alone is.
  uint64_t rows_in_group() const;
  size_t longest_row() const { return longest_; }  // bytes

 private:
  struct Shape;
  class Reader;

  void CountBytes(size_t bytes);

  // The rows cut into blocks of one size, beginning with the first.
  struct Blocks {
    uint64_t bytes = 0;  // of the block under way
    uint64_t most = 0;   // of a block
  };

  std::unique_ptr<Shape> row_;
  std::vector<Blocks> blocks_;  // of 1, 2, 4, … rows
  uint64_t rows_ = 0;
  uint64_t objects_ = 0;
  size_t shapes_ = 1;
  size_t longest_ = 0;
};

}  // namespace tessy
