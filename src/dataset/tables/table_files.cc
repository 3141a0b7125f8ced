#include "dataset/tables/table_files.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <filesystem>
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

Result<std::vector<std::string>> TablesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::follow_directory_symlink, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    std::error_code ignored;
    const bool is_folder = entries->is_directory(ignored);
    if (name.starts_with('.') && is_folder) entries.disable_recursion_pending();
    if (name.starts_with('.') || is_folder || !IsTableName(name)) continue;
    files.push_back(entries->path().string());
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", folder, error.message()));
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

Result<std::vector<std::string>> Matches(const std::string& pattern) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files;
  for (size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    std::error_code ignored;
    if (!fs::is_directory(found.gl_pathv[i], ignored)) files.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
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
