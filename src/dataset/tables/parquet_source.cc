#include "dataset/tables/parquet_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "dataset/tables/duckdb.h"

namespace tessy {
namespace {

Error AboutFile(const std::string& path, const Error& error) {
  if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kResourceLimit) {
    return {.code = error.code, .message = fmt::format("{}: {}", path, error.message)};
  }
  return {.code = error.code,
          .message =
              fmt::format("{}: damaged or truncated Parquet file ({}); fetch it again", path, error.message)};
}

// DuckDB takes *, ? and [] in names for patterns; by its descriptor a file has none of them.
class PlainName {
 public:
  explicit PlainName(const std::string& path) : name_(path) {
    if (path.find_first_of("*?[") == std::string::npos) return;
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ >= 0) name_ = fmt::format("/proc/self/fd/{}", descriptor_);
  }
  ~PlainName() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  PlainName(const PlainName&) = delete;
  PlainName& operator=(const PlainName&) = delete;

  // The table in SQL. Folders named a=b are no columns.
  std::string Table(bool binary_as_string) const {
    return fmt::format("read_parquet({}, binary_as_string={}, hive_partitioning=false)", SqlText(name_),
                       binary_as_string);
  }

 private:
  std::string name_;
  int descriptor_ = -1;
};

bool HasField(const std::string& type, const char* name) {
  return type.find(fmt::format("({} ", name)) != std::string::npos ||
         type.find(fmt::format(" {} ", name)) != std::string::npos ||
         type.find(fmt::format("\"{}\" ", name)) != std::string::npos;
}

// A list of turns by its type; the name of the field that says who speaks, or nothing.
const char* SpeakerOf(const std::string& type) {
  if (!type.starts_with("STRUCT(") || !type.ends_with("[]")) return nullptr;
  if (HasField(type, "role")) return "role";
  return HasField(type, "from") ? "from" : nullptr;
}

// `turn`: a name that no column has.
std::string Expression(const TableColumn& column, const TableOptions& options, const std::string& turn) {
  const std::string name = SqlName(column.name);
  // Some writers do not say of a text that it is one. Bytes that are none are written with \x escapes.
  if (column.type == "BLOB") {
    return fmt::format("coalesce(TRY(decode({0})), CAST({0} AS VARCHAR)) AS {0}", name);
  }
  const char* speaker = options.without_assistant ? SpeakerOf(column.type) : nullptr;
  if (speaker == nullptr) return name;
  return fmt::format(
      "[{2} FOR {2} IN {0} IF coalesce({2}.{1}, '') NOT IN ('assistant', 'gpt', 'model', 'chatgpt', 'bot', "
      "'ai')] AS {0}",
      name, SqlName(speaker), turn);
}

// Bytes within structs and lists are taken for texts, too, unless there may be images among them: structs of
// `bytes` and `path`.
bool MayBeText(const std::vector<TableColumn>& columns) {
  return std::ranges::none_of(columns, [](const TableColumn& column) {
    return column.type.starts_with("BLOB") || column.type.find("bytes BLOB") != std::string::npos ||
           column.type.find("\"bytes\" BLOB") != std::string::npos;
  });
}

// A name, lengthened until no column has it; names of SQL do not know case.
std::string NameBesides(const std::vector<TableColumn>& columns, std::string name) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  while (std::ranges::any_of(
      columns, [&](const TableColumn& column) { return std::ranges::equal(column.name, name, same); })) {
    name += '_';
  }
  return name;
}

}  // namespace

struct ParquetSource::Impl {
  std::string path;
  PlainName name;
  DuckDb database;
  std::vector<TableColumn> columns;
  std::optional<DuckDb::Rows> rows;
  size_t row = 0;

  Impl(const std::string& file, DuckDb opened) : path(file), name(file), database(std::move(opened)) {}

  bool binary_as_string = false;

  Status ReadColumns() {
    columns.clear();
    auto described = database.Query(fmt::format(
        "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {})", name.Table(binary_as_string)));
    if (!described) return tl::unexpected(described.error());
    while (true) {
      const auto more = described->Next();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return {};
      columns.push_back({.name = std::string(described->Text(0).value_or("")),
                         .type = std::string(described->Text(1).value_or(""))});
    }
  }

  Status Describe() {
    if (auto status = ReadColumns(); !status) return status;
    if (!MayBeText(columns)) return {};
    binary_as_string = true;
    return ReadColumns();
  }

  Status Begin(const TableOptions& options) {
    const std::string turn = NameBesides(columns, "turn");
    std::string wanted;
    for (const TableColumn& column : columns) {
      if (options.leaves_out && options.leaves_out(column.name)) continue;
      wanted += (wanted.empty() ? "" : ", ") + Expression(column, options, turn);
    }
    if (wanted.empty()) wanted = "NULL AS nothing";
    auto begun =
        database.Query(fmt::format("SELECT CAST(to_json({0}) AS VARCHAR) FROM (SELECT {1} FROM {2}) AS {0}",
                                   NameBesides(columns, "whole_row"), wanted, name.Table(binary_as_string)));
    if (!begun) return tl::unexpected(begun.error());
    rows.emplace(std::move(*begun));
    return {};
  }
};

ParquetSource::ParquetSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetSource::~ParquetSource() { impl_->rows.reset(); }

Result<std::unique_ptr<ParquetSource>> ParquetSource::Open(const std::string& path,
                                                           const TableOptions& options) {
  auto database = DuckDb::Open();
  if (!database) return tl::unexpected(AboutFile(path, database.error()));
  auto impl = std::make_unique<Impl>(path, std::move(*database));
  auto status = impl->Describe();
  if (status) status = impl->Begin(options);
  if (!status) return tl::unexpected(AboutFile(path, status.error()));
  return std::unique_ptr<ParquetSource>(new ParquetSource(std::move(impl)));
}

const std::vector<TableColumn>& ParquetSource::columns() const { return impl_->columns; }
size_t ParquetSource::row() const { return impl_->row; }

Result<std::optional<std::string_view>> ParquetSource::Next() {
  const auto more = impl_->rows->Next();
  if (!more) return tl::unexpected(AboutFile(impl_->path, more.error()));
  if (!*more) return std::optional<std::string_view>();
  ++impl_->row;
  return std::optional(impl_->rows->Text(0).value_or("{}"));
}

}  // namespace tessy
