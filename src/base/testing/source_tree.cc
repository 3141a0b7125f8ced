#include "base/testing/source_tree.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <system_error>

namespace tessy {
namespace {

namespace fs = std::filesystem;

std::string FindTree() {
  if (const char* named = std::getenv("TESSY_SOURCE_DIR"); named != nullptr && *named != '\0') return named;
  std::error_code error;
  for (const fs::path& start : {fs::read_symlink("/proc/self/exe", error), fs::current_path(error)}) {
    for (fs::path folder = start; folder.has_relative_path(); folder = folder.parent_path()) {
      if (fs::exists(folder / "ARCHITECTURE.md", error)) return folder.string();
    }
  }
  std::fputs("no source tree found: set TESSY_SOURCE_DIR to your clone of tessy\n", stderr);
  std::exit(1);
}

std::string Joined(std::string_view folder, std::string_view relative) {
  std::string path(folder);
  path += '/';
  path += relative;
  return path;
}

}  // namespace

std::string InSource(std::string_view relative) {
  static const std::string tree = FindTree();
  return Joined(tree, relative);
}

std::string InLlamaSource(std::string_view relative) {
  const char* named = std::getenv("TESSY_LLAMA_DIR");
  if (named != nullptr && *named != '\0') return Joined(named, relative);
  return InSource(Joined("build/deps/llama.cpp", relative));
}

}  // namespace tessy
