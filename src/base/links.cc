#include "base/links.h"

#include <filesystem>
#include <system_error>

namespace tessy {

std::string BehindLinks(const std::string& path) {
  constexpr int kLinksMax = 40;  // as the system follows
  std::filesystem::path at(path);
  std::error_code status;
  for (int i = 0; i < kLinksMax && std::filesystem::is_symlink(at, status); ++i) {
    const auto target = std::filesystem::read_symlink(at, status);
    if (status) break;
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  return at.string();
}

}  // namespace tessy
