// Holds the source tree against rules that a scan can check: short functions, no dead declarations, no test
// support in production code, and comments of headers that begin as sentences do. Each rule is also tried on
// a small sample that breaks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/testing/source_tree.h"
#include "source_scan.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kFunctionLinesMax = 70;

struct File {
  std::string path;  // from the root: "src/base/random.h"
  SourceText text;
  std::vector<SourceToken> tokens;
  SourceOutline outline;
};
using Tree = std::map<std::string, File>;

void AddFile(Tree& tree, const std::string& path, const std::string& source) {
  File& file = tree[path];
  file.path = path;
  file.text = ReadSourceText(source);
  file.tokens = TokensOf(file.text.code);
  file.outline = OutlineOf(file.tokens);
}

const Tree& OurTree() {
  static const Tree ours = [] {
    Tree tree;
    const fs::path root = InSource("");
    for (const char* top : {"src", "bench", "tests", "samples"}) {
      if (!fs::exists(root / top)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
        const fs::path extension = entry.path().extension();
        if (extension != ".h" && extension != ".cc") continue;
        std::ifstream stream(entry.path());
        std::stringstream source;
        source << stream.rdbuf();
        AddFile(tree, fs::relative(entry.path(), root).string(), source.str());
      }
    }
    return tree;
  }();
  return ours;
}

std::string At(const File& file, size_t line) { return file.path + ":" + std::to_string(line); }

// ---- The rules. Each gives its offences as lines for people.

std::vector<std::string> LongFunctions(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, file] : tree) {
    for (const SourceFunction& function : file.outline.functions) {
      if (function.lines() <= kFunctionLinesMax) continue;
      offences.push_back(At(file, function.first_line) + ": " + function.name + " has " +
                         std::to_string(function.lines()) + " lines");
    }
  }
  return offences;
}

bool IsTestCode(const std::string& path) {
  return path.ends_with("_test.cc") || path.find("/testing/") != std::string::npos ||
         path.starts_with("tests/") || path.starts_with("bench/");
}

std::vector<std::string> TestSupportInProduction(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, file] : tree) {
    if (IsTestCode(path)) continue;
    for (const std::string& include : file.text.includes) {
      if (include.find("testing/") != std::string::npos || include.starts_with("gtest/") ||
          include.starts_with("gmock/")) {
        offences.push_back(path + " includes " + include);
      }
    }
  }
  return offences;
}

// A sentence that begins so leaves its reader without a subject ("Of a sequence, what is computed").
// Questions may begin so.
bool BeginsWell(std::string_view comment) {
  const std::string_view sentence = comment.substr(0, comment.find_first_of(".?:") + 1);
  if (sentence.ends_with('?')) return true;
  for (const std::string_view start : {"Of ", "Whoever ", "Likewise", "What "}) {
    if (comment.starts_with(start)) return false;
  }
  return true;
}

std::vector<std::string> CommentsWithoutSubject(const Tree& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, file] : tree) {
    if (!path.ends_with(".h") || !path.starts_with("src/")) continue;
    for (const SourceComment& comment : file.text.comments) {
      if (!BeginsWell(comment.text)) offences.push_back(At(file, comment.line) + ": " + comment.text);
    }
  }
  return offences;
}

// The headers of ours that a file includes, through others too, itself among them.
class IncludeGraph {
 public:
  explicit IncludeGraph(const Tree& tree) : tree_(tree) {}

  const std::set<const File*>& From(const File& file) {
    auto [entry, is_new] = reached_.try_emplace(&file);
    if (!is_new) return entry->second;
    std::set<const File*> all{&file};
    for (const std::string& include : file.text.includes) {
      if (const File* header = Find(file, include)) {
        const auto& more = From(*header);
        all.insert(more.begin(), more.end());
      }
    }
    return reached_[&file] = std::move(all);
  }

 private:
  const File* Find(const File& from, const std::string& include) const {
    const std::string beside = from.path.substr(0, from.path.rfind('/') + 1);
    for (const std::string& folder :
         {std::string("src/"), std::string("bench/"), std::string("tests/"), beside}) {
      const auto found = tree_.find(folder + include);
      if (found != tree_.end()) return &found->second;
    }
    return nullptr;
  }

  const Tree& tree_;
  std::unordered_map<const File*, std::set<const File*>> reached_;
};

// Names that libraries look for.
bool IsFoundByItsName(std::string_view name) {
  static const std::set<std::string_view> names{"PrintTo", "begin", "end", "what", "SetUp", "TearDown"};
  return names.contains(name);
}

std::vector<std::string> DeadDeclarations(const Tree& tree) {
  IncludeGraph graph(tree);
  // How often a name is used, by the files that use it.
  std::unordered_map<std::string_view, std::unordered_map<const File*, int>> uses;
  for (const auto& [path, file] : tree) {
    for (const SourceToken& token : file.tokens) {
      if (token.is_word) ++uses[token.text][&file];
    }
    for (const std::string_view name : file.outline.not_uses) --uses[name][&file];
  }
  std::vector<std::string> offences;
  for (const auto& [path, file] : tree) {
    if (!path.ends_with(".h")) continue;
    for (const SourceDeclaration& declaration : file.outline.declarations) {
      if (!declaration.may_be_dead || IsFoundByItsName(declaration.name)) continue;
      bool used = false;
      for (const auto& [user, count] : uses[declaration.name]) {
        used = used || (count > 0 && graph.From(*user).contains(&file));
      }
      if (!used) {
        offences.push_back(At(file, declaration.line) + ": nothing uses " + std::string(declaration.name));
      }
    }
  }
  return offences;
}

// ---- The rules can fail: each on a small sample that breaks it.

Tree TreeOf(const std::map<std::string, std::string>& sources) {
  Tree tree;
  for (const auto& [path, source] : sources) AddFile(tree, path, source);
  return tree;
}

std::string Lines(size_t count) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) lines += "  Work();\n";
  return lines;
}

TEST(TidyRules, FindLongFunctions) {
  const std::string members = "class A {\n public:\n  explicit A(int x) : a_{x}, b_(x) {\n" + Lines(70) +
                              "  }\n  int a_;\n  int b_;\n};\n";
  const std::string free =
      "const char* const kText = R\"(\n} \" { ' )\";  // a comment with a }\n"
      "std::vector<int> Make(const Options& options = {}, char c = '}')\n    requires(true) {\n" +
      Lines(68) + "}\n" + "int Short() {\n" + Lines(68) + "}\n";
  const std::string inner =
      "void B::Run() {\n  const auto twice = [this](int x) {\n" + Lines(70) + "  };\n}\n";
  const std::string test = "TEST(A, IsLong) {\n" + Lines(70) + "}\n";
  const Tree tree = TreeOf({{"src/a/a.h", members},
                            {"src/a/b.cc", "namespace x {\nnamespace {\n" + free + "}\n}\n" + inner},
                            {"tests/a_test.cc", test}});
  EXPECT_THAT(
      LongFunctions(tree),
      ElementsAre("src/a/a.h:3: A has 72 lines", "src/a/b.cc:5: Make has 71 lines",
                  "src/a/b.cc:148: B::Run has 74 lines", "tests/a_test.cc:1: TEST(A, IsLong) has 72 lines"));
}

TEST(TidyRules, FindLongLambdasOfConstants) {
  const Tree tree = TreeOf({{"src/a/a.cc", "const int kA = [](int x) {\n" + Lines(70) + "}(1);\n"},
                            {"src/a/b.cc", "const std::map<int, int> kB{\n" + Lines(70) + "};\n"}});
  EXPECT_THAT(LongFunctions(tree), ElementsAre("src/a/a.cc:1: a lambda has 72 lines"));
}

TEST(TidyRules, FindDeadDeclarations) {
  const Tree tree = TreeOf({{"src/a/a.h", R"(
      #include "a/base.h"
      inline constexpr size_t kUsed = 1'000, kDead = 2;  // kDead in a comment
      enum class Color { kRed, kGreen };
      class Shape final : public Base {
       public:
        explicit Shape(Color color) : dead_(color), used_{kUsed} {}
        Shape(const Shape&) = delete;
        size_t Area() const { return used_ * 2; }
        std::function<void(int)> Unused(int x = 3) const;
        void Draw() override;
        bool operator==(const Shape&) const = default;
       private:
        friend class Forgotten;
        Color dead_;
        size_t used_;
      };
      struct Point { int x = 0, y = 0; };
      class Alone { Alone(const Alone&); };
      template <class T> class Box;
      Color Called(Point point);
      using Unnamed = Point;
    )"},
                            {"src/a/a.cc", R"(
      #include "a/a.h"
      std::function<void(int)> Shape::Unused(int x) const { return {}; }
      void Shape::Draw() {}
      Color Called(Point point) { return point.x > 0 ? Color::kRed : Color::kRed; }
    )"},
                            {"src/a/base.h", "struct Base { virtual void Draw() = 0; };"},
                            {"src/b/b.cc", R"(
      #include "a/a.h"
      size_t F(Base& base) { base.Draw(); Called({}); return Shape(Color::kRed).Area(); }
      const char* kText = "Unused() y";
    )"},
                            {"src/b/c.cc", "void Unused(); int y = kGreen + kDead;"}});
  EXPECT_THAT(DeadDeclarations(tree),
              ElementsAre("src/a/a.h:3: nothing uses kDead", "src/a/a.h:4: nothing uses kGreen",
                          "src/a/a.h:10: nothing uses Unused", "src/a/a.h:15: nothing uses dead_",
                          "src/a/a.h:18: nothing uses y", "src/a/a.h:19: nothing uses Alone",
                          "src/a/a.h:20: nothing uses Box", "src/a/a.h:22: nothing uses Unnamed"));
}

TEST(TidyRules, FindTestSupportInProduction) {
  const Tree tree = TreeOf({{"src/a/a.cc", "#include \"a/testing/fake.h\"\n#include <vector>\n"},
                            {"src/a/a.h", "#include <gtest/gtest.h>\n"},
                            {"src/a/a_test.cc", "#include \"a/testing/fake.h\"\n"},
                            {"src/a/testing/fake.h", "#include <gmock/gmock.h>\n"},
                            {"samples/run.cc", "  #  include \"a/testing/fake.h\"\n"},
                            {"src/b/b.cc", "// #include \"a/testing/fake.h\"\n"}});
  EXPECT_THAT(TestSupportInProduction(tree),
              ElementsAre("samples/run.cc includes a/testing/fake.h", "src/a/a.cc includes a/testing/fake.h",
                          "src/a/a.h includes gtest/gtest.h"));
}

TEST(TidyRules, FindCommentsWithoutSubject) {
  const std::string header = R"(
      // Of a sequence, what is computed.
      int a;
      // What is it? A question.
      int b;  // What it holds.
      // The number of
      // Of lines that wrap.
      /* Likewise a block. */
      const char* c = "// What a string holds";
      // Whoever asks.
    )";
  const Tree tree = TreeOf({{"src/a/a.h", header}, {"src/a/a.cc", header}, {"bench/a.h", header}});
  EXPECT_THAT(CommentsWithoutSubject(tree),
              ElementsAre("src/a/a.h:2: Of a sequence, what is computed.", "src/a/a.h:5: What it holds.",
                          "src/a/a.h:8: Likewise a block.", "src/a/a.h:10: Whoever asks."));
}

// ---- Our tree

TEST(Tidy, ReadsTheTree) {
  EXPECT_GT(OurTree().size(), 300U);
  size_t functions = 0;
  for (const auto& [path, file] : OurTree()) functions += file.outline.functions.size();
  EXPECT_GT(functions, 3000U) << "the scan found few functions: does it still understand the code?";
}

TEST(Tidy, FunctionsAreShort) { EXPECT_THAT(LongFunctions(OurTree()), IsEmpty()); }

TEST(Tidy, WhatHeadersDeclareIsUsed) { EXPECT_THAT(DeadDeclarations(OurTree()), IsEmpty()); }

TEST(Tidy, ProductionCodeIncludesNoTestSupport) {
  EXPECT_THAT(TestSupportInProduction(OurTree()), IsEmpty());
}

TEST(Tidy, CommentsOfHeadersBeginWithASubject) { EXPECT_THAT(CommentsWithoutSubject(OurTree()), IsEmpty()); }

}  // namespace
}  // namespace tessy
