// Holds the source tree against the layer table of ARCHITECTURE.md: a folder includes only what its row
// allows, and the table names every folder. So the picture cannot rot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "base/testing/source_tree.h"

namespace {

namespace fs = std::filesystem;
using Layers = std::map<std::string, std::set<std::string>>;

const fs::path kRoot = tessy::InSource("");

// Rows of the form "| `src/x` | … | a, b |"; "nothing" allows nothing, "everything" all.
Layers ReadLayers() {
  std::ifstream document(kRoot / "ARCHITECTURE.md");
  EXPECT_TRUE(document) << "ARCHITECTURE.md cannot be read";
  const std::regex row(R"(^\|\s*`src/(\w+)`\s*\|.*\|\s*([^|]*?)\s*\|\s*$)");
  const std::regex name(R"(\w+)");
  Layers layers;
  std::string line;
  while (std::getline(document, line)) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    const std::string allowed = match[2];
    auto& folder = layers[match[1]];
    for (std::sregex_iterator it(allowed.begin(), allowed.end(), name), end; it != end; ++it)
      folder.insert(it->str());
  }
  return layers;
}

bool IsSource(const fs::path& path) { return path.extension() == ".h" || path.extension() == ".cc"; }

TEST(Layers, TableNamesEveryFolder) {
  const Layers layers = ReadLayers();
  for (const auto& entry : fs::directory_iterator(kRoot / "src")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(layers.contains(entry.path().filename()))
        << "ARCHITECTURE.md has no row for " << entry.path();
  }
}

TEST(Layers, FoldersIncludeOnlyWhatTheirRowAllows) {
  const Layers layers = ReadLayers();
  ASSERT_FALSE(layers.empty());
  const std::regex include(R"re(^\s*#include "([a-z_]+)/.*)re");
  size_t includes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (!IsSource(entry.path())) continue;
    const std::string folder = fs::relative(entry.path(), kRoot / "src").begin()->string();
    const auto row = layers.find(folder);
    if (row == layers.end()) continue;
    std::ifstream source(entry.path());
    std::string line;
    while (std::getline(source, line)) {
      std::smatch match;
      if (!std::regex_match(line, match, include)) continue;
      const std::string target = match[1];
      if (target == folder || !layers.contains(target)) continue;
      ++includes;
      EXPECT_TRUE(row->second.contains(target) || row->second.contains("everything"))
          << fs::relative(entry.path(), kRoot) << " includes " << target
          << ", which ARCHITECTURE.md does not allow";
    }
  }
  EXPECT_GT(includes, 50U) << "the scan found next to nothing: is the pattern right?";
}

TEST(Layers, DependenciesStayInsideTheirAdapters) {
  // What may be seen where: everywhere else these headers are not to be included.
  const std::map<std::string, std::string> homes{
      {R"re(^\s*#include "(llama|ggml|gguf)[-\w]*\.h".*)re", "src/model/llama"},
      {R"re(^\s*#include <(torch|ATen)/.*)re", "src/train"},
      {R"re(^\s*#include <curl/.*)re", "src/model/openai"},
      {R"re(^\s*#include <sqlite3\.h>.*)re", "src/store/sqlite"},
  };
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (!IsSource(entry.path())) continue;
    const std::string path = fs::relative(entry.path(), kRoot).string();
    std::ifstream source(entry.path());
    std::string line;
    while (std::getline(source, line)) {
      for (const auto& [pattern, home] : homes) {
        if (std::regex_match(line, std::regex(pattern))) {
          EXPECT_TRUE(path.starts_with(home)) << path << ": " << line << " belongs into " << home;
        }
      }
    }
  }
}

}  // namespace
