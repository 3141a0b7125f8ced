#include "store/new_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/links.h"

namespace tessy {

namespace fs = std::filesystem;

NewFiles::NewFiles(NewFiles&& other) noexcept : paths_(std::exchange(other.paths_, {})) {}

NewFiles& NewFiles::operator=(NewFiles&& other) noexcept {
  std::swap(paths_, other.paths_);
  return *this;
}

NewFiles::~NewFiles() {
  std::error_code ignored;  // it stays
  for (auto path = paths_.rbegin(); path != paths_.rend(); ++path) fs::remove(*path, ignored);
}

void NewFiles::Expect(const std::string& path) {
  std::error_code unknown;
  std::vector<std::string> missing;
  for (fs::path at = BehindLinks(path); !at.empty(); at = at.parent_path()) {
    const bool is_missing = fs::symlink_status(at, unknown).type() == fs::file_type::not_found;
    if (!is_missing || at == at.parent_path()) break;
    missing.push_back(at.string());
  }
  for (auto one = missing.rbegin(); one != missing.rend(); ++one) {
    if (std::ranges::find(paths_, *one) == paths_.end()) paths_.push_back(*one);
  }
}

}  // namespace tessy
