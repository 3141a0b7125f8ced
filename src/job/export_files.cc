#include "job/export_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/readable_file.h"
#include "base/shorten.h"
#include "dataset/formats/format.h"
#include "dataset/tables/parquet_file.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRows = "/train.jsonl";
constexpr const char* kParquetRows = "/train.parquet";
constexpr const char* kRejected = "/rejected.jsonl";
constexpr const char* kAll = "/all.jsonl";
constexpr size_t kHashedAtOnce = size_t{1} << 20;

Status CheckFree(const std::string& out) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(out, ignored))) return {};
  return Fail(
      ErrorCode::kConflict,
      fmt::format("--out {}: is there already, and nothing is written over; name another folder", out));
}

tl::unexpected<Error> SystemFailure(const std::string& path, const char* what, const std::error_code& error) {
  return Fail(ErrorCode::kIo, fmt::format("{}: {}: {}", path, what, error.message()));
}

// The names in the folder while it is made.
std::set<std::string> NamesOfExports() {
  std::set<std::string> names{"README.md"};
  for (const ExportFormat* format : ExportFormats()) {
    if (format->recipe == nullptr) continue;
    for (RecipeFile& file : format->recipe(Recipe{})) names.insert(std::move(file.name));
  }
  std::set<std::string> all{kRows + 1, kParquetRows + 1, kRejected + 1, kAll + 1};
  for (const std::string& name : names) all.insert({name, name + ".tmp"});  // WriteWhole's
  return all;
}

// That nothing is in the folder but what a killed export left, or one at work has there.
Status CheckLeftover(const std::string& folder, const std::string& out) {
  std::error_code error;
  const auto status = fs::symlink_status(folder, error);
  if (!fs::exists(status)) return {};
  const auto refuse = [&](const std::string& what) {
    return Fail(ErrorCode::kConflict,
                fmt::format("--out {}: is made as {}, which {}; move that, or name another "
                            "folder",
                            out, folder, what));
  };
  if (!fs::is_directory(status)) return refuse("is there and is no folder");
  const auto names = NamesOfExports();
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!names.contains(name) || entry.is_directory(error))
      return refuse("holds " + Shortened(name) + ", no file of an export");
  }
  if (error) return SystemFailure(folder, "cannot be read", error);
  return {};
}

// Removes the files of an export, but for one.
void Empty(const std::string& folder, std::string_view but = {}) {
  std::error_code ignored;
  for (const std::string& name : NamesOfExports()) {
    if (name != but) fs::remove(folder + "/" + name, ignored);
  }
}

}  // namespace

Result<ExportFiles> ExportFiles::Open(const std::string& out, bool in_parquet) {
  if (in_parquet) {
    if (auto status = CheckParquet(); !status) return tl::unexpected(status.error());
  }
  std::string name = out;
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (auto status = CheckFree(name); !status) return tl::unexpected(status.error());
  const std::string folder = name + ".tmp";
  if (auto status = CheckLeftover(folder, name); !status) return tl::unexpected(status.error());
  // The lock on its rows tells an export that is at work from what a killed one left.
  auto rows = AppendFile::Open(folder + kRows);
  if (!rows) return tl::unexpected(rows.error());
  if (auto status = rows->KeepLines(0); !status) return tl::unexpected(status.error());
  Empty(folder, kRows + 1);
  auto rejected = AppendFile::Open(folder + kRejected);
  if (!rejected) return tl::unexpected(rejected.error());
  ExportFiles files(name, folder, std::move(*rows), std::move(*rejected));
  if (in_parquet) files.rows_name_ = kParquetRows + 1;
  return files;
}

void ExportFiles::Remove::operator()(std::string* folder) const {
  std::error_code ignored;
  Empty(*folder);
  fs::remove(*folder, ignored);  // stays where somebody put something else into it
  delete folder;
}

ExportFiles::ExportFiles(std::string out, const std::string& folder, AppendFile rows, AppendFile rejected)
    : out_(std::move(out)),
      rows_name_(kRows + 1),
      folder_(new std::string(folder)),
      rows_(std::move(rows)),
      rejected_(std::move(rejected)) {}

Status ExportFiles::AddRow(std::string_view line) {
  hash_.Add(line);
  hash_.Add("\n");
  return rows_.Append(line);
}

Status ExportFiles::AddRejected(std::string_view line) { return rejected_.Append(line); }

Status ExportFiles::KeepRows(std::span<const size_t> rows) {
  const std::string all = *folder_ + kAll;
  std::error_code error;
  fs::rename(*folder_ + kRows, all, error);
  if (error) return SystemFailure(all, "cannot be renamed", error);
  const AppendFile former = std::move(rows_);  // keeps its lock
  auto kept = AppendFile::Open(*folder_ + kRows);
  if (!kept) return tl::unexpected(kept.error());
  rows_ = std::move(*kept);
  hash_ = Sha256();
  std::ifstream lines(all, std::ios::binary);
  std::string line;
  size_t next = 0;
  for (size_t number = 0; next < rows.size() && std::getline(lines, line); ++number) {
    if (rows[next] != number) continue;
    ++next;
    if (auto status = AddRow(line); !status) return status;
  }
  if (next < rows.size()) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read to its end", all));
  fs::remove(all, error);
  return {};
}

Status ExportFiles::Write(const std::string& name, std::string_view text) {
  return WriteWhole(*folder_ + "/" + name, text);
}

Result<std::string> ExportFiles::MakeParquet(const std::atomic<bool>& stop) const {
  const std::string lines = *folder_ + kRows;
  const std::string out = *folder_ + kParquetRows;
  const auto types = ColumnTypesOf(lines);
  if (!types) return tl::unexpected(types.error());
  const int descriptor = open(lines.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemFailure(lines, "cannot be read", {errno, std::generic_category()});
  const auto status = WriteParquet(descriptor, *types, out, &stop);
  close(descriptor);
  if (!status) return tl::unexpected(status.error());
  return Sha256OfFile(out);
}

Result<std::string> ExportFiles::CloseRows(const std::atomic<bool>& stop) {
  if (rows_name_ != kParquetRows + 1) return hash_.Finish();
  return MakeParquet(stop);
}

Status ExportFiles::Finish() {
  if (auto status = CheckFree(out_); !status) return status;
  if (auto status = rows_.CheckUntouched(); !status) return status;
  std::error_code error;
  fs::rename(*folder_, out_, error);
  if (error) return SystemFailure(out_, "cannot be made", error);
  delete folder_.release();  // there is nothing to remove any more
  // Its rows are in the other file. It has the lock, so it goes when the folder has left the place of its
  // making.
  if (rows_name_ != kRows + 1) fs::remove(out_ + kRows, error);
  if (error) return SystemFailure(out_ + kRows, "cannot be removed", error);
  return {};
}

Result<std::string> Sha256OfFile(const std::string& path) {
  if (auto status = CheckReadable(path); !status) return tl::unexpected(status.error());
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorCode::kNotFound, fmt::format("{}: {}", path, std::strerror(errno)));
  Sha256 hash;
  std::vector<char> buffer(kHashedAtOnce);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.Add({buffer.data(), static_cast<size_t>(file.gcount())});
  }
  if (file.bad()) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read to its end", path));
  return hash.Finish();
}

}  // namespace tessy
