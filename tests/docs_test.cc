// The documents are held against the tree: links and file names in them lead somewhere, and the samples of
// docs/formats.md are read by the code that reads such files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/testing/source_tree.h"
#include "boundary/lexicon/lexicon.h"
#include "boundary/lexicon/marking.h"
#include "dataset/annotation.h"
#include "dataset/question_parser.h"
#include "dataset/response.h"
#include "dataset/thinking.h"
#include "model/family.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path << " cannot be read";
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

struct Block {
  std::string info;  // what stands behind the fence: "json question"
  std::string text;
};

struct Document {
  std::string prose;  // without the fenced blocks
  std::vector<Block> blocks;
};

Document ReadDocument(const fs::path& path) {
  Document document;
  bool in_block = false;
  std::istringstream lines(ReadFile(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      in_block = !in_block;
      if (in_block) document.blocks.push_back({.info = line.substr(3), .text = {}});
    } else {
      (in_block ? document.blocks.back().text : document.prose) += line + "\n";
    }
  }
  return document;
}

std::vector<fs::path> AllDocuments() {
  std::vector<fs::path> documents;
  for (const char* name : {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "lab/models/README.md",
                           "tools/oracle/README.md", "tools/interop/README.md"}) {
    documents.emplace_back(InSource(name));
  }
  for (const auto& entry : fs::directory_iterator(InSource("docs"))) {
    if (entry.path().extension() == ".md") documents.push_back(entry.path());
  }
  return documents;
}

// As GitHub names a heading: letters, digits, hyphens and underscores, blanks as hyphens.
std::string AnchorOf(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ') {
      anchor += '-';
    } else if (c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80 ||
               std::isalnum(static_cast<unsigned char>(c))) {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

std::set<std::string> AnchorsOf(const fs::path& path) {
  std::set<std::string> anchors;
  std::istringstream lines(ReadDocument(path).prose);
  for (std::string line; std::getline(lines, line);) {
    const size_t hashes = line.find_first_not_of('#');
    if (hashes == 0 || hashes == std::string::npos || line[hashes] != ' ') continue;
    anchors.insert(AnchorOf(std::string_view(line).substr(hashes + 1)));
  }
  return anchors;
}

// What stands between `open` and `close`, wherever it does.
std::vector<std::string> Between(std::string_view text, std::string_view open, std::string_view close) {
  std::vector<std::string> found;
  while (true) {
    const size_t at = text.find(open);
    if (at == std::string_view::npos) return found;
    text.remove_prefix(at + open.size());
    const size_t end = text.find(close);
    if (end == std::string_view::npos) return found;
    found.emplace_back(text.substr(0, end));
    text.remove_prefix(end + close.size());
  }
}

TEST(Docs, RelativeLinksLeadToFilesAndHeadings) {
  size_t links = 0;
  for (const fs::path& document : AllDocuments()) {
    for (const std::string& link : Between(ReadDocument(document).prose, "](", ")")) {
      if (link.find("://") != std::string::npos) continue;
      SCOPED_TRACE(document.string() + ": " + link);
      const size_t hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const fs::path target = file.empty() ? document : document.parent_path() / file;
      ++links;
      EXPECT_TRUE(fs::exists(target));
      if (hash == std::string::npos || !fs::exists(target)) continue;
      EXPECT_THAT(AnchorsOf(target), Contains(link.substr(hash + 1)));
    }
  }
  EXPECT_GE(links, 5U) << "the links were not found: have the documents another form now?";
}

std::vector<std::string> FilesBelow(const char* folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(InSource(folder))) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  return files;
}

// A path of a source file; not one with a place for a name ("src/cli/NAME.cc").
bool NamesSourceFile(const std::string& text) {
  if (text.find('/') == std::string::npos || text[0] == '/' || text.find("NAME") != std::string::npos)
    return false;
  if (text.find_first_of(" *:{}<>…") != std::string::npos) return false;
  const std::string extension = fs::path(text).extension().string();
  const std::set<std::string> extensions{".cc", ".h", ".md", ".toml", ".sh", ".py"};
  return extensions.contains(extension);
}

// Names of source files stand as they are in the tree, or without the folders that they begin with.
TEST(Docs, NamedSourceFilesExist) {
  const auto sources = FilesBelow("src");
  size_t names = 0;
  for (const fs::path& document : AllDocuments()) {
    for (const std::string& name : Between(ReadDocument(document).prose, "`", "`")) {
      if (!NamesSourceFile(name)) continue;
      ++names;
      const auto ends_so = [&](const std::string& path) { return path.ends_with("/" + name); };
      EXPECT_TRUE(fs::exists(InSource(name)) || std::any_of(sources.begin(), sources.end(), ends_so))
          << document << " names " << name;
    }
  }
  EXPECT_GE(names, 5U) << "the names were not found: have the documents another form now?";
}

// ---- The samples of docs/formats.md.

std::vector<std::string> Samples(const std::string& info) {
  std::vector<std::string> samples;
  for (const Block& block : ReadDocument(InSource("docs/formats.md")).blocks) {
    if (block.info == info) samples.push_back(block.text);
  }
  EXPECT_FALSE(samples.empty()) << "docs/formats.md has no sample marked `" << info << "`";
  return samples;
}

// A sample that is broken over lines, in one.
std::string InOneLine(const std::string& json) { return Json::parse(json).dump(); }

// Every key of the object and of those in it, but not of `source`, which is the question's.
void CollectKeys(const Json& json, std::set<std::string>& keys) {
  if (json.is_array()) {
    for (const Json& item : json) CollectKeys(item, keys);
  }
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.items()) {
    keys.insert(key);
    if (key != "source") CollectKeys(value, keys);
  }
}

TEST(Formats, SampleQuestionsAreRead) {
  QuestionParser parser;
  for (const std::string& sample : Samples("json question")) {
    SCOPED_TRACE(sample);
    const auto question = parser.Parse(InOneLine(sample), QuestionParser::Source::kKeep);
    ASSERT_TRUE(question.has_value()) << question.error().message;
    EXPECT_FALSE(question->id.empty());
    EXPECT_EQ(question->messages.back().role, "user");
  }
}

TEST(Formats, SampleResponsesAreWhatTheProgramWrites) {
  for (const std::string& sample : Samples("json response")) {
    SCOPED_TRACE(sample);
    const std::string line = InOneLine(sample);
    const auto response = ParseResponse(line);
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(ToJsonLine(*response), line);
    EXPECT_EQ(ThinkingOf(response->messages.back().content).empty(), !response->thinks);
  }
}

TEST(Formats, EveryFieldOfAResponseIsExplained) {
  const std::string page = ReadFile(InSource("docs/formats.md"));
  Response response;
  response.messages = {{"user", "x"}, {"assistant", "y"}};
  response.spans = {{}};
  response.stats.candidates = 2;  // so that the keys of several candidates are written
  response.models = {.student = "s", .teacher = "t", .student_boundary = "sb", .teacher_boundary = "tb"};
  response.source_json = "{}";
  response.thinks = false;
  std::set<std::string> keys;
  CollectKeys(Json::parse(ToJsonLine(response)), keys);
  EXPECT_GE(keys.size(), 30U);
  for (const std::string& key : keys) {
    const bool explained = page.find("`" + key + "`") != std::string::npos ||
                           page.find("spans[]." + key + "`") != std::string::npos ||
                           page.find("\"" + key + "\"") != std::string::npos;
    EXPECT_TRUE(explained) << "docs/formats.md does not explain " << key;
  }
}

TEST(Formats, SampleAnnotationsAreRead) {
  for (const std::string& sample : Samples("json annotation")) {
    SCOPED_TRACE(sample);
    const auto annotation = ParseAnnotation(InOneLine(sample));
    ASSERT_TRUE(annotation.has_value()) << annotation.error().message;
    EXPECT_FALSE(annotation->spans.empty());
  }
}

TEST(Formats, SampleFilesOfRulesAndFamiliesAreRead) {
  for (const std::string& sample : Samples("text phrases")) {
    const auto phrases = Phrases::Parse(sample, "formats.md");
    ASSERT_TRUE(phrases.has_value()) << phrases.error().message;
    EXPECT_THAT(phrases->Mark("after step 12 we have 7 * 3 = 8;"), SizeIs(1));
  }
  for (const std::string& sample : Samples("toml lexicon")) {
    const auto lexicon = Lexicon::Parse(sample, "formats.md");
    EXPECT_TRUE(lexicon.has_value()) << lexicon.error().message;
  }
  for (const std::string& sample : Samples("toml family")) {
    const auto family = ParseFamily(sample, "formats.md");
    EXPECT_TRUE(family.has_value()) << family.error().message;
  }
}

}  // namespace
}  // namespace tessy
