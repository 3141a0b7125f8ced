#include "base/readable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace tessy {
namespace {

namespace fs = std::filesystem;

bool IsOpenAlready(std::string_view path) {
  constexpr std::array<std::string_view, 3> kFolders{"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};
  return path == "/dev/stdin" ||
         std::ranges::any_of(kFolders, [path](std::string_view folder) { return path.starts_with(folder); });
}

const char* NameOf(fs::file_type type) {
  switch (type) {
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "a device";
  }
}

}  // namespace

Status CheckReadable(const std::string& path) {
  std::error_code ignored;
  const fs::file_type type = fs::status(path, ignored).type();
  switch (type) {
    case fs::file_type::directory:
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder, not a file; give a file", path));
    case fs::file_type::fifo:
    case fs::file_type::socket:
    case fs::file_type::block:
    case fs::file_type::character:
      if (IsOpenAlready(path)) return {};
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: is {}; give a regular file", path, NameOf(type)));
    default:
      return {};
  }
}

}  // namespace tessy
