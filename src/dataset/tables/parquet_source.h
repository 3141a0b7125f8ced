#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataset/tables/row_source.h"
#include "dataset/tables/table_reader.h"

namespace tessy {

// A column of Parquet, its type in DuckDB's words: "VARCHAR", "STRUCT(\"from\" VARCHAR, …)[]".
struct TableColumn {
  std::string name;
  std::string type;

  bool operator==(const TableColumn&) const = default;
};

// The rows of a Parquet file, written as JSON.
class ParquetSource final : public RowSource {
 public:
  // kInvalidData: damaged or truncated, in DuckDB's words; kNotFound: there is no DuckDB; kResourceLimit: its
  // rows need too much memory. Bytes are texts; those that are no UTF-8 are written with \x escapes.
  static Result<std::unique_ptr<ParquetSource>> Open(const std::string& path, const TableOptions& options);
  ~ParquetSource() override;

  const std::vector<TableColumn>& columns() const;
  Result<std::optional<std::string_view>> Next() override;
  size_t row() const override;

 private:
  struct Impl;
  explicit ParquetSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
