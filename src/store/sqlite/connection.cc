#include "store/sqlite/connection.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "store/append_file.h"

namespace tessy::sqlite {
namespace {

// Readers come and go; a checkpoint waits for them no longer than this.
constexpr int kBusyTimeoutMs = 10000;

ErrorCode CodeOf(int status) {
  switch (status & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kInvalidData;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kConflict;
    default:
      return ErrorCode::kIo;
  }
}

const char* WhatFailed(int status) {
  switch (status & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "is damaged, or no store of a run";
    case SQLITE_CANTOPEN:
      return "cannot be opened";
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
      return "cannot be written";
    default:
      return "cannot be used";
  }
}

}  // namespace

std::string Row::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const bool locks = !LocksAreMissing();
  // Without locks there is no memory to share with others either, which exclusive mode does without.
  const int status =
      sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      locks ? nullptr : "unix-none");
  if (handle == nullptr) return Fail(ErrorCode::kResourceLimit, path + ": no memory to open it");
  std::unique_ptr<Connection> connection(new Connection(path, handle));
  if (status != SQLITE_OK) return connection->Failure();
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (!locks) {
    if (auto alone = connection->Execute("PRAGMA locking_mode = EXCLUSIVE"); !alone) {
      return tl::unexpected(alone.error());
    }
  }
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

tl::unexpected<Error> Connection::Failure() const {
  const int status = sqlite3_extended_errcode(handle_);
  std::string reason = sqlite3_errmsg(handle_);
  const int system = sqlite3_system_errno(handle_);
  const bool io = (status & 0xFF) == SQLITE_IOERR || (status & 0xFF) == SQLITE_CANTOPEN;
  if (io && system != 0) reason = std::strerror(system);
  return Fail(CodeOf(status), fmt::format("{}: {}: {}", path_, WhatFailed(status), reason));
}

Status Connection::Execute(const char* statements) {
  if (sqlite3_exec(handle_, statements, nullptr, nullptr, nullptr) != SQLITE_OK) return Failure();
  return {};
}

Result<sqlite3_stmt*> Connection::Bound(const char* sql, std::span<const Value> values) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr &&
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return Failure();
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    int status = SQLITE_OK;
    if (const auto* integer = std::get_if<int64_t>(&values[i])) {
      status = sqlite3_bind_int64(statement, at, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&values[i])) {
      // Without a pointer the text would be NULL.
      const char* bytes = text->empty() ? "" : text->data();
      status = sqlite3_bind_text64(statement, at, bytes, text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const std::string_view blob = std::get<Blob>(values[i]).bytes;
      status =
          sqlite3_bind_blob64(statement, at, blob.empty() ? "" : blob.data(), blob.size(), SQLITE_STATIC);
    }
    if (status != SQLITE_OK) return Failure();
  }
  return statement;
}

Status Connection::Finished(sqlite3_stmt* statement) {
  if (sqlite3_reset(statement) != SQLITE_OK) return Failure();
  return {};
}

void Connection::Forget(const char* sql) {
  if (const auto found = statements_.extract(sql)) sqlite3_finalize(found.mapped());
}

Result<int64_t> Connection::Integer(const char* sql) {
  int64_t value = 0;
  return Query(sql, {}, [&value](const Row& row) { value = row.Integer(0); }).map([&value] { return value; });
}

}  // namespace tessy::sqlite
