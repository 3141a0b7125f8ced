#include "dataset/tables/parquet_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "dataset/tables/byte_stream.h"
#include "dataset/tables/duckdb.h"
#include "dataset/tables/row_source.h"

namespace tessy {
namespace {

// DuckDB reads files in portions of twice this.
constexpr size_t kLeastLongestRow = size_t{1} << 20;

// By its whole name no path begins with a sign that DuckDB gives a meaning to.
std::string SqlPath(const std::string& path) { return SqlText(std::filesystem::absolute(path).string()); }

Error AboutOutput(const std::string& out, const Error& error) {
  if (error.code == ErrorCode::kCancelled) return error;
  if (error.code == ErrorCode::kResourceLimit) {
    return {.code = error.code,
            .message = fmt::format("{}: its rows need more memory than there is to write Parquet; write JSON "
                                   "lines (.jsonl.zst), or give this machine more",
                                   out)};
  }
  return {.code = ErrorCode::kIo, .message = fmt::format("{}: cannot be written: {}", out, error.message)};
}

}  // namespace

Status CheckParquet() {
  const auto database = DuckDb::Open();
  if (!database) return tl::unexpected(database.error());
  return {};
}

Result<ColumnTypes> ColumnTypesOf(const std::string& lines) {
  auto opened = OpenBytes(lines);
  if (!opened) return tl::unexpected(opened.error());
  LineSource source(std::move(opened->stream));
  ColumnTypes types;
  while (true) {
    const auto line = source.Next();
    if (!line) return tl::unexpected(line.error());
    if (!*line) return types;
    if (auto status = types.Add(**line); !status) {
      return Fail(status.error().code, fmt::format("{}:{}: {}", lines, source.row(), status.error().message));
    }
  }
}

Status WriteParquet(int lines, const ColumnTypes& types, const std::string& out,
                    const std::atomic<bool>* stop) {
  const std::string columns = types.Sql();
  if (columns.empty())
    return Fail(ErrorCode::kInvalidData, fmt::format("{}: no row has a field, and Parquet needs one", out));
  auto database = DuckDb::Open();
  if (!database) return tl::unexpected(database.error());
  const auto written = database->Run(
      fmt::format(
          "COPY (SELECT * FROM read_json('/proc/self/fd/{}', format='newline_delimited', records=true, "
          "compression='uncompressed', maximum_object_size={}, columns={})) TO {} (FORMAT parquet, "
          "COMPRESSION zstd, ROW_GROUP_SIZE {}, USE_TMP_FILE false)",
          lines, std::max(types.longest_row() + 1, kLeastLongestRow), columns, SqlPath(out),
          types.rows_in_group()),
      stop);
  if (!written) return tl::unexpected(AboutOutput(out, written.error()));
  return {};
}

}  // namespace tessy
