#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/error.h"

namespace tessy::sqlite {

struct Blob {
  std::string_view bytes;
};
using Value = std::variant<int64_t, std::string_view, Blob>;

// One row of a result. It is valid until the next row is read. Columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }
  uint64_t Unsigned(int column) const { return static_cast<uint64_t>(Integer(column)); }
  std::string Text(int column) const;  // or bytes

 private:
  sqlite3_stmt* statement_;
};

// A connection with its prepared statements. Errors name the file.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open(const std::string& path, int flags);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs any number of statements that take no values and give no results.
  Status Execute(const char* statements);
  // Runs one statement and calls `row` with each row of its result. `sql` must live as long as the
  // connection: it is prepared once, and found again by its address.
  template <class OnRow>
  Status Query(const char* sql, std::span<const Value> values, OnRow row) {
    auto statement = Bound(sql, values);
    if (!statement) return tl::unexpected(statement.error());
    while (sqlite3_step(*statement) == SQLITE_ROW) row(Row(*statement));
    return Finished(*statement);
  }
  // As Query, for a statement that is made at run time: it is prepared for this call alone.
  template <class OnRow>
  Status QueryOnce(const char* sql, OnRow row) {
    auto status = Query(sql, {}, std::move(row));
    Forget(sql);
    return status;
  }
  Status Run(const char* sql, std::span<const Value> values) {
    return Query(sql, values, [](const Row&) {});
  }
  Result<int64_t> Integer(const char* sql);
  int64_t last_row() const { return sqlite3_last_insert_rowid(handle_); }
  const std::string& path() const { return path_; }

 private:
  Connection(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Result<sqlite3_stmt*> Bound(const char* sql, std::span<const Value> values);
  Status Finished(sqlite3_stmt* statement);
  void Forget(const char* sql);
  tl::unexpected<Error> Failure() const;

  std::string path_;
  sqlite3* handle_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace tessy::sqlite
