#include "dataset/tables/table_files.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

namespace tessy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kEndings = {".jsonl",     ".jsonl.gz",   ".jsonl.zst", ".ndjson",
                                                      ".ndjson.gz", ".ndjson.zst", ".parquet"};

bool IsTableName(std::string_view name) {
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool IsPattern(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

// What tessy itself keeps beside a table: r.jsonl.run, and r.jsonl.run.old-1 of earlier runs.
bool IsRunFolder(std::string_view name) {
  constexpr std::string_view kSetAside = ".run.old-";
  const size_t at = name.rfind(kSetAside);
  if (at == std::string_view::npos) return name.ends_with(".run");
  const std::string_view number = name.substr(at + kSetAside.size());
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
}

// Adds the tables of a folder and of those below it. Each folder is read once, whatever links lead to it.
Status AddTables(const fs::path& folder, std::set<fs::path>& seen, std::vector<std::string>& files) {
  std::error_code error;
  if (!seen.insert(fs::canonical(folder, error)).second) return {};
  std::vector<fs::path> entries;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    entries.push_back(entry->path());
  if (error)
    return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  std::ranges::sort(entries);  // so that of two links to one folder it is always the same
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      if (IsTableName(name)) files.push_back(path.string());
    } else if (!IsRunFolder(name)) {
      if (auto status = AddTables(path, seen, files); !status) return status;
    }
  }
  return {};
}

Result<std::vector<std::string>> TablesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::set<fs::path> seen;
  if (auto status = AddTables(folder, seen, files); !status) return tl::unexpected(status.error());
  if (files.empty()) {
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("{}: is a folder, and no table is in it (.jsonl, .jsonl.gz, .jsonl.zst, .ndjson or "
                    ".parquet); give a file, or another folder",
                    folder));
  }
  std::ranges::sort(files);
  return files;
}

// What is wrong with a folder that a pattern leads to; glob has no other way to tell it.
thread_local std::string t_unread;

int StopAtUnread(const char* folder, int reason) {
  if (reason == ENOENT) return 0;
  t_unread = fmt::format("{}: cannot be read: {}", folder, std::strerror(reason));
  return 1;
}

Result<std::vector<std::string>> Matches(const std::string& pattern) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, &StopAtUnread, &found);
  std::vector<std::string> files;
  for (size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    std::error_code ignored;
    if (!fs::is_directory(found.gl_pathv[i], ignored)) files.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
  if (status == GLOB_ABORTED) return Fail(ErrorCode::kIo, t_unread);
  if (files.empty()) return Fail(ErrorCode::kNotFound, fmt::format("{}: no file matches it", pattern));
  return files;
}

}  // namespace

bool IsSeveralFiles(const std::string& name) {
  std::error_code error;
  if (fs::is_directory(name, error)) return true;
  return name != "-" && !fs::exists(name, error) && IsPattern(name);
}

Result<std::vector<std::string>> TableFiles(const std::string& name) {
  if (!IsSeveralFiles(name)) return std::vector<std::string>{name};
  std::error_code error;
  return fs::is_directory(name, error) ? TablesIn(name) : Matches(name);
}

}  // namespace tessy
