#include "store/sqlite/schema.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/sample_stats.h"

namespace tessy::sqlite {
namespace {

constexpr int64_t kApplicationId = 0x74657373;  // "tess"

// Each brings the tables from the version of its place to the next one; what was released is never changed.
constexpr std::array kMigrations{
    R"sql(
CREATE TABLE configurations(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, json TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE sessions(
  id INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  ended TEXT NOT NULL,                                 -- empty: under way, or killed
  samples INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,
  tokens INTEGER NOT NULL, drafted_tokens INTEGER NOT NULL, discarded_tokens INTEGER NOT NULL,
  recalled_tokens INTEGER NOT NULL, spans INTEGER NOT NULL);
CREATE TABLE questions(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash INTEGER NOT NULL);
CREATE TABLE samples(
  id INTEGER PRIMARY KEY, question INTEGER NOT NULL, sample INTEGER NOT NULL,
  state INTEGER NOT NULL,                              -- 0 under way, 1 done, 2 failed
  line_end INTEGER NOT NULL DEFAULT 0,                 -- bytes of the responses through its line
  reason TEXT NOT NULL DEFAULT '', closed_by TEXT NOT NULL DEFAULT '',
  student_tokens INTEGER NOT NULL DEFAULT 0, teacher_tokens INTEGER NOT NULL DEFAULT 0,
  answer_tokens INTEGER NOT NULL DEFAULT 0, switches INTEGER NOT NULL DEFAULT 0,
  drafted_tokens INTEGER NOT NULL DEFAULT 0, discarded_tokens INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, failed_attempts_tokens INTEGER NOT NULL DEFAULT 0,
  wrong_candidates INTEGER NOT NULL DEFAULT 0, wall_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE(question, sample));
CREATE TABLE attempts(
  sample INTEGER NOT NULL, candidate INTEGER NOT NULL, writer INTEGER NOT NULL, number INTEGER NOT NULL,
  reason TEXT NOT NULL, tokens INTEGER NOT NULL, retryable INTEGER NOT NULL,
  PRIMARY KEY(sample, candidate, writer, number)) WITHOUT ROWID;
-- Of samples under way alone. They are found by their ids, which the writer remembers: an index would cost
-- a page a sample and commit.
CREATE TABLE spans(
  id INTEGER PRIMARY KEY, sample INTEGER NOT NULL, candidate INTEGER NOT NULL, writer INTEGER NOT NULL,
  attempt INTEGER NOT NULL, stage INTEGER NOT NULL, role INTEGER NOT NULL, ended INTEGER NOT NULL,
  tokens INTEGER NOT NULL, hash INTEGER NOT NULL, events BLOB NOT NULL);
)sql"};

tl::unexpected<Error> NotOurs(const Connection& connection, const char* what) {
  return Fail(
      ErrorCode::kInvalidData,
      fmt::format("{}: {}; use another --out, or --fresh to set the run aside", connection.path(), what));
}

// The version of the tables; 0 if there are none.
Result<int64_t> VersionOf(Connection& connection) {
  const auto tables = connection.Integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tables;
  const auto application = connection.Integer("PRAGMA application_id");
  if (!application) return application;
  if (*application != kApplicationId && (*tables > 0 || *application != 0)) {
    return NotOurs(connection, "is no store of a run");
  }
  const auto version = connection.Integer("PRAGMA user_version");
  if (version && *version > static_cast<int64_t>(kMigrations.size())) {
    return NotOurs(connection, "was written by a newer tessy");
  }
  return version;
}

// Columns that are younger than the oldest store.
struct YoungColumn {
  const char* table;
  std::string_view name;
  std::string declaration;
};
std::vector<YoungColumn> YoungColumns() {
  // Of the line of the responses that ends at line_end: its bytes, with the newline, and its hash.
  std::vector<YoungColumn> columns{{"samples", "line_bytes", "INTEGER NOT NULL DEFAULT 0"},
                                   {"samples", "line_hash", "INTEGER NOT NULL DEFAULT 0"},
                                   {"attempts", "text", "BLOB NOT NULL DEFAULT x''"}};
  for (const SampleStat& stat : kSampleStats) {
    columns.push_back({"samples", stat.key, fmt::format("INTEGER NOT NULL DEFAULT {}", stat.if_absent)});
  }
  return columns;
}

// An older program can still use the store, because it names the columns that it knows.
Status AddYoungColumns(Connection& connection) {
  std::string script;
  for (const char* table : {"samples", "attempts"}) {
    const auto there = ColumnsOf(connection, table);
    if (!there) return tl::unexpected(there.error());
    for (const YoungColumn& column : YoungColumns()) {
      if (column.table != std::string_view(table) || there->contains(std::string(column.name))) continue;
      script += fmt::format("ALTER TABLE {} ADD COLUMN {} {};\n", table, column.name, column.declaration);
    }
  }
  if (script.empty()) return {};
  return connection.Execute(("BEGIN IMMEDIATE;\n" + script + "COMMIT").c_str());
}

}  // namespace

Result<std::set<std::string>> ColumnsOf(Connection& connection, const char* table) {
  std::set<std::string> names;
  const std::string sql = fmt::format("SELECT name FROM pragma_table_info('{}')", table);
  return connection.QueryOnce(sql.c_str(), [&names](const Row& row) { names.insert(row.Text(0)); })
      .map([&names] { return std::move(names); });
}

Status CheckSchema(Connection& connection) {
  const auto version = VersionOf(connection);
  if (!version) return tl::unexpected(version.error());
  if (*version == 0) return NotOurs(connection, "holds nothing yet");
  return {};
}

Status PrepareSchema(Connection& connection) {
  const auto version = VersionOf(connection);
  if (!version) return tl::unexpected(version.error());
  // Nothing is in a new file that waiting for the disk could save; later the log is written to it at
  // checkpoints alone. The results are not synchronised either: what a machine that fails takes away is
  // written anew.
  if (auto status = connection.Execute(
          "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      !status) {
    return status;
  }
  if (*version < static_cast<int64_t>(kMigrations.size())) {
    std::string script = "BEGIN IMMEDIATE;\n";
    for (size_t i = static_cast<size_t>(*version); i < kMigrations.size(); ++i) script += kMigrations[i];
    script += fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};\nCOMMIT", kApplicationId,
                          kMigrations.size());
    if (auto status = connection.Execute(script.c_str()); !status) return status;
  }
  return AddYoungColumns(connection);
}

}  // namespace tessy::sqlite
