// Holds the source tree against the layer table of ARCHITECTURE.md: a folder includes only what its row
// allows, and the table names every folder. So the picture cannot rot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/testing/source_tree.h"

namespace {

namespace fs = std::filesystem;
// The names that each row allows, by the row's folder below src/ ("model", "model/text").
using Layers = std::map<std::string, std::set<std::string>>;

const fs::path kRoot = tessy::InSource("");

// Rows of the form "| `src/x/y` | … | a, b/c |"; "nothing" allows nothing, "everything" all; "a/b.h" that
// header.
Layers ReadLayers() {
  std::ifstream document(kRoot / "ARCHITECTURE.md");
  EXPECT_TRUE(document) << "ARCHITECTURE.md cannot be read";
  const std::regex row(R"(^\|\s*`src/([\w/]+)`\s*\|.*\|\s*([^|]*?)\s*\|\s*$)");
  const std::regex name(R"([\w/.]+)");
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

bool IsInside(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// The longest row that a path below src/ ("model/text/gguf_file.h") begins with; "" where there is none.
std::string RowOf(const Layers& layers, std::string_view path) {
  std::string longest;
  for (const auto& [folder, allowed] : layers) {
    if (IsInside(path, folder) && folder.size() > longest.size()) longest = folder;
  }
  return longest;
}

// A name allows its folder, and the folders inside it for files that are not inside it themselves.
bool Allows(const Layers& layers, const std::string& row, const std::string& target) {
  if (target == row) return true;
  const std::set<std::string>& names = layers.at(row);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == "everything" || name == target || (IsInside(target, name) && !IsInside(row, name));
  });
}

// The include in the line of a file below src/, if the table forbids it.
std::optional<std::string> Forbidden(const Layers& layers, std::string_view path, const std::string& line,
                                     size_t* includes = nullptr) {
  static const std::regex kInclude(R"re(^\s*#include "([a-z_]+/.*)".*)re");
  std::smatch match;
  if (!std::regex_match(line, match, kInclude)) return std::nullopt;
  const std::string row = RowOf(layers, path);
  const std::string target = RowOf(layers, match[1].str());
  if (row.empty() || target.empty()) return std::nullopt;
  if (includes != nullptr && row != target) ++*includes;
  if (Allows(layers, row, target) || layers.at(row).contains(match[1])) return std::nullopt;
  return match[1];
}

TEST(Layers, TableNamesEveryFolder) {
  const Layers layers = ReadLayers();
  const auto has_rows_inside = [&](const std::string& folder) {
    return std::any_of(layers.begin(), layers.end(),
                       [&](const auto& row) { return IsInside(row.first, folder); });
  };
  const auto holds_sources = [](const fs::path& folder) {
    const fs::directory_iterator entries(folder);
    return std::any_of(begin(entries), end(entries),
                       [](const fs::directory_entry& entry) { return IsSource(entry.path()); });
  };
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (!entry.is_directory()) continue;
    const fs::path folder = fs::relative(entry.path(), kRoot / "src");
    const std::string parent = folder.parent_path().string();
    // Where one folder has a row of its own, those beside it have, too.
    const bool needs_row = parent.empty() || (has_rows_inside(parent) && holds_sources(entry.path()));
    EXPECT_TRUE(!needs_row || layers.contains(folder.string()))
        << "ARCHITECTURE.md has no row for " << entry.path();
  }
}

TEST(Layers, FoldersIncludeOnlyWhatTheirRowAllows) {
  const Layers layers = ReadLayers();
  ASSERT_FALSE(layers.empty());
  size_t includes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (!IsSource(entry.path())) continue;
    const std::string path = fs::relative(entry.path(), kRoot / "src").string();
    std::ifstream source(entry.path());
    std::string line;
    while (std::getline(source, line)) {
      const auto forbidden = Forbidden(layers, path, line, &includes);
      EXPECT_FALSE(forbidden) << "src/" << path << " includes " << *forbidden
                              << ", which ARCHITECTURE.md does not allow";
    }
  }
  EXPECT_GT(includes, 50U) << "the scan found next to nothing: is the pattern right?";
}

TEST(Layers, AdaptersOfOneFolderDoNotKnowEachOther) {
  const Layers layers = ReadLayers();
  const auto forbids = [&](const char* path, const std::string& header) {
    return Forbidden(layers, path, "#include \"" + header + "\"").has_value();
  };
  EXPECT_FALSE(forbids("model/llama/engine.cc", "model/text/gguf_file.h"));
  EXPECT_FALSE(forbids("model/llama/engine.cc", "model/sampling.h"));
  EXPECT_TRUE(forbids("model/llama/testing/driver.h", "model/openai/fleet.h"));
  EXPECT_TRUE(forbids("model/openai/server_session.cc", "model/llama/engine.h"));
  EXPECT_TRUE(forbids("model/text/chat_format.cc", "model/llama/engine.h"));
  EXPECT_TRUE(forbids("model/scripted/scripted_session.cc", "model/text/gguf_file.h"));
  EXPECT_TRUE(forbids("model/family.cc", "model/text/gguf_file.h"));
  EXPECT_TRUE(forbids("weights/bpe.cc", "model/family.h"));
  EXPECT_FALSE(forbids("weights/bpe.cc", "model/text/gguf_file.h"));
  EXPECT_FALSE(forbids("boundary/pooling/pooling_model.cc", "model/openai/fleet.h"));
  EXPECT_TRUE(forbids("cooperation/loop.h", "model/text/gguf_file.h"));
  EXPECT_FALSE(forbids("synthesis/cast.h", "model/family.h"));
  EXPECT_TRUE(forbids("synthesis/cast.h", "model/sampling.h"));
  EXPECT_TRUE(forbids("synthesis/cast.h", "model/llama/engine.h"));
}

TEST(Layers, DependenciesStayInsideTheirAdapters) {
  // Where headers of a dependency may be seen, by the begins of paths.
  const std::vector<std::pair<std::regex, std::vector<std::string>>> homes{
      {std::regex(R"re(^\s*#include [<"](llama|ggml|gguf)[-\w]*\.h[>"].*)re"),
       {"src/model/text/", "src/model/llama/", "src/weights/"}},
      {std::regex(R"re(^\s*#include <(torch|ATen)/.*)re"), {"src/train/"}},
      {std::regex(R"re(^\s*#include <curl/.*)re"), {"src/model/openai/"}},
      {std::regex(R"re(^\s*#include <sqlite3\.h>.*)re"), {"src/store/sqlite/"}},
      {std::regex(R"re(^\s*#include "store/sqlite/.*)re"), {"src/store/"}},
      {std::regex(R"re(^\s*#include <(zlib|zstd)\.h>.*)re"),
       {"src/dataset/tables/", "src/judge/packed_text.cc", "src/judge/code_tests_test.cc"}},
      {std::regex(R"re(^\s*#include "dataset/tables/duckdb\.h".*)re"), {"src/dataset/tables/"}},
      {std::regex(R"re(^\s*#include <utf8proc\.h>.*)re"), {"src/select/"}},
  };
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (!IsSource(entry.path())) continue;
    const std::string path = fs::relative(entry.path(), kRoot).string();
    std::ifstream source(entry.path());
    std::string line;
    while (std::getline(source, line)) {
      for (size_t i = 0; i < homes.size(); ++i) {
        const auto& [pattern, folders] = homes[i];
        if (!std::regex_match(line, pattern)) continue;
        EXPECT_TRUE(std::any_of(folders.begin(), folders.end(),
                                [&](const std::string& folder) { return path.starts_with(folder); }))
            << path << ": " << line << " belongs into " << folders.front();
        EXPECT_TRUE(i > 0 || entry.path().extension() == ".cc")
            << path << ": " << line << " belongs into a .cc file";
      }
    }
  }
}

}  // namespace
