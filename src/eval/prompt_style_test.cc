#include "eval/prompt_style.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/sha256.h"
#include "eval/benchmark.h"

namespace tessy {
namespace {

using ::testing::HasSubstr;

std::string Filled(std::string_view text, const RowFields& fields) {
  const auto filled = FillTemplate(text, fields);
  return filled ? *filled : "error: " + filled.error().message;
}

TEST(PromptStyleTest, PartsStandWhereTheRowHasTheField) {
  const RowFields row{{"q", "2 + 2?"}, {"language", "en"}};
  EXPECT_EQ(Filled("Q: {{q}}{{#unit}} in {{unit}}{{/unit}}{{^unit}}.{{/unit}}", row), "Q: 2 + 2?.");
  EXPECT_EQ(Filled("{{#language=en}}Hello{{/language}}{{#language=zh}}你好{{/language}}", row), "Hello");
  EXPECT_EQ(Filled("{{#q}}a{{#unit}}b{{#q}}c{{/q}}{{/unit}}d{{/q}}", row), "ad");
  EXPECT_EQ(Filled("{ } \\boxed{} {x}", row), "{ } \\boxed{} {x}");
}

TEST(PromptStyleTest, ABrokenTemplateIsOneLine) {
  const RowFields row{{"q", "x"}};
  EXPECT_EQ(Filled("{{unit}}", row), "error: has no \"unit\", which the template asks for");
  EXPECT_EQ(Filled("{{q", row), "error: the template's {{q is not closed");
  EXPECT_EQ(Filled("{{#q}}x", row), "error: the template's {{#q}} is not closed");
  EXPECT_EQ(Filled("x{{/q}}", row), "error: the template's {{/q}} closes what is not open");
}

std::string Digest(const std::string& text) {
  Sha256 sum;
  sum.Add(text);
  return sum.Finish();
}

// The official texts are not here: a made-up one stands for them.
TEST(PromptStyleTest, APromptIsOfficialIfAllRowsOfItsNameMatchToTheByte) {
  const auto row = [](const char* style, const RowFields& fields, const std::string& user) {
    return nlohmann::json{{"style", style}, {"fields", fields}, {"user", Digest(user)}}.dump() + "\n";
  };
  const std::string rows = row("made up", {{"question", "1?"}}, "Solve 1?") +
                           row("made up", {{"question", "2?"}, {"hint", "h"}}, "Solve 2? (h)") +
                           row("other", {{"question", "1?"}}, "Solve 1?") +
                           row("other", {{"question", "3?"}}, "Answer 3?");
  EXPECT_EQ(
      OfficialPromptName({.system = "", .user = "Solve {{question}}{{#hint}} ({{hint}}){{/hint}}"}, rows),
      "made up");
  EXPECT_EQ(OfficialPromptName({.system = "", .user = "Solve {{question}} "}, rows), "");
  EXPECT_EQ(
      OfficialPromptName({.system = "x", .user = "Solve {{question}}{{#hint}} ({{hint}}){{/hint}}"}, rows),
      "");
}

TEST(PromptStyleTest, OurOwnPromptsAreNotTheOfficialOnes) {
  for (const std::string& name : BuiltInBenchmarks()) {
    const auto benchmark = LoadBenchmark(name);
    ASSERT_TRUE(benchmark) << benchmark.error().message;
    EXPECT_EQ(OfficialPromptName(benchmark->prompt), "") << name;
  }
}

TEST(PromptStyleTest, AFileHasUserAndPerhapsSystem) {
  const std::string path = testing::TempDir() + "style_" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << "system = \"Be brief.\"\nuser = '''\n{{question}}\n'''\n";
  const auto style = LoadPromptStyle(path);
  ASSERT_TRUE(style) << style.error().message;
  EXPECT_EQ(*style, (PromptStyle{.system = "Be brief.", .user = "{{question}}\n"}));
  std::ofstream(path) << "usr = 'x'\n";
  EXPECT_THAT(LoadPromptStyle(path).error().message,
              HasSubstr(".toml:1: \"usr\" is unknown; did you mean user?"));
  std::ofstream(path) << "system = 'x'\n";
  EXPECT_THAT(LoadPromptStyle(path).error().message, HasSubstr("has no \"user\""));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tessy
