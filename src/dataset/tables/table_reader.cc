#include "dataset/tables/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/shorten.h"
#include "dataset/tables/byte_stream.h"
#include "dataset/tables/parquet_source.h"
#include "dataset/tables/row_source.h"
#include "dataset/tables/table_files.h"

namespace tessy {
namespace {

// How the columns of a file differ from those of the first; empty if they do not.
std::string ColumnDifference(const std::vector<TableColumn>& first, const std::vector<TableColumn>& now) {
  const auto find = [](const std::vector<TableColumn>& columns, const std::string& name) {
    const auto found = std::ranges::find(columns, name, &TableColumn::name);
    return found == columns.end() ? nullptr : &*found;
  };
  for (const TableColumn& column : first) {
    const TableColumn* same = find(now, column.name);
    if (same == nullptr) return fmt::format("it has no column \"{}\"", Shortened(column.name));
    if (same->type != column.type) {
      return fmt::format("its column \"{}\" is {}, not {}", Shortened(column.name), Shortened(same->type),
                         Shortened(column.type));
    }
  }
  for (const TableColumn& column : now) {
    if (find(first, column.name) == nullptr) {
      return fmt::format("it has a column \"{}\" more", Shortened(column.name));
    }
  }
  return "";
}

}  // namespace

struct TableReader::Impl {
  std::vector<std::string> files;
  TableOptions options;
  size_t file = 0;
  std::unique_ptr<RowSource> source;  // of files[file]
  bool has_rows = false;              // files[file], as far as it has been read
  std::optional<size_t> parquet;      // the first file of Parquet
  std::vector<TableColumn> columns;   // of that file

  Status OpenFile();
  Status CheckColumns(const std::vector<TableColumn>& now);
  std::string Name() const { return files[file] == "-" ? "standard input" : files[file]; }
};

Status TableReader::Impl::OpenFile() {
  auto opened = OpenBytes(files[file]);
  if (!opened) return tl::unexpected(opened.error());
  if (opened->kind != FileKind::kParquet) {
    source = std::make_unique<LineSource>(std::move(opened->stream));
    return {};
  }
  if (files[file] == "-") {
    return Fail(ErrorCode::kInvalidArgument,
                "standard input: is a Parquet file, which is read at many places; give the file itself");
  }
  auto rows = ParquetSource::Open(files[file], options);
  if (!rows) return tl::unexpected(rows.error());
  if (auto status = CheckColumns((*rows)->columns()); !status) return status;
  source = std::move(*rows);
  return {};
}

Status TableReader::Impl::CheckColumns(const std::vector<TableColumn>& now) {
  if (!parquet) {
    parquet = file;
    columns = now;
    return {};
  }
  const std::string difference = ColumnDifference(columns, now);
  if (difference.empty()) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{}: is no part of the same table as {}: {}; give them apart from each other",
                          files[file], files[*parquet], difference));
}

TableReader::TableReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;
TableReader& TableReader::operator=(TableReader&&) noexcept = default;

Result<TableReader> TableReader::Open(const std::string& name, TableOptions options) {
  auto files = TableFiles(name);
  if (!files) return tl::unexpected(files.error());
  auto impl = std::make_unique<Impl>();
  impl->files = std::move(*files);
  impl->options = std::move(options);
  if (auto status = impl->OpenFile(); !status) return tl::unexpected(status.error());
  return TableReader(std::move(impl));
}

Result<std::optional<std::string_view>> TableReader::Next() {
  while (true) {
    auto row = impl_->source->Next();
    if (!row) return row;
    if (*row) {
      impl_->has_rows = true;
      return row;
    }
    if (!impl_->has_rows) {
      return Fail(ErrorCode::kInvalidData, fmt::format("{}: is empty: no rows in it", impl_->Name()));
    }
    if (impl_->file + 1 == impl_->files.size()) return row;
    ++impl_->file;
    impl_->has_rows = false;
    if (auto status = impl_->OpenFile(); !status) return tl::unexpected(status.error());
  }
}

const std::vector<std::string>& TableReader::files() const { return impl_->files; }
size_t TableReader::file() const { return impl_->file; }
size_t TableReader::row() const { return impl_->source->row(); }
std::string TableReader::Where() const { return fmt::format("{}:{}", impl_->Name(), row()); }

}  // namespace tessy
