#include "base/shipped_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace tessy {

namespace fs = std::filesystem;

Result<std::string> ShippedFile(std::string_view relative) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = program.parent_path().parent_path() / "share/tessy" / relative;
  if (fs::exists(installed, error)) return installed.string();
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    if (fs::exists(folder / relative, error)) return (folder / relative).string();
  }
  return Fail(ErrorCode::kNotFound,
              fmt::format("{}: it is neither there nor in a folder above {}; install tessy again, "
                          "or run it from the folder that it was built in",
                          installed.string(), program.string()));
}

}  // namespace tessy
