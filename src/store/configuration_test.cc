#include "store/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "store/append_file.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

TEST(DifferenceTest, EqualSettingsDoNotDiffer) {
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"k":20})", R"({"seed":1,"k":20})"), "");
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"k":20})", R"({ "k": 20, "seed": 1 })"), "");
  EXPECT_EQ(DifferenceOf(R"({"temperature":0.7})", R"({"temperature":0.70})"), "");
}

TEST(DifferenceTest, EachDifferenceIsShown) {
  EXPECT_EQ(DifferenceOf(R"({"seed":1})", R"({"seed":2})"), "seed 1 -> 2");
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"cut":"auto"})", R"({"seed":2,"cut":"token"})"),
            "seed 1 -> 2, cut auto -> token");
  EXPECT_EQ(DifferenceOf(R"({"exact":false})", R"({"exact":true})"), "exact false -> true");
}

TEST(DifferenceTest, WhatIsThereOnOneSideOnlyIsShown) {
  EXPECT_EQ(DifferenceOf(R"({"draft":"rollback","k":20})", R"({"draft":"stop"})"),
            "draft rollback -> stop, k 20 -> (none)");
  EXPECT_EQ(DifferenceOf(R"({})", R"({"k":20})"), "k (none) -> 20");
  EXPECT_EQ(DifferenceOf(R"({"k":20})", R"({})"), "k 20 -> (none)");
}

TEST(DifferenceTest, SettingsThatWereNotGivenAreShownByTheirMeaning) {
  const UnsetTexts unset{
      {"context", "default (what the models know)"}, {"thinking", "on"}, {"effort", "high"}};
  EXPECT_EQ(DifferenceOf(R"({"context":0})", R"({"context":2048})", unset),
            "context default (what the models know) -> 2048");
  EXPECT_EQ(DifferenceOf(R"({})", R"({"thinking":"off"})", unset), "thinking on -> off");
  EXPECT_EQ(DifferenceOf(R"({"effort":"low"})", R"({"effort":""})", unset), "effort low -> high");
  EXPECT_EQ(DifferenceOf(R"({"seed":0})", R"({"seed":1})", unset), "seed 0 -> 1") << "0 is a seed";
  EXPECT_EQ(DifferenceOf(R"({})", R"({"thinking":"on"})", unset), "") << "as it was";
}

TEST(DifferenceTest, NestedSettingsHaveTheirPath) {
  EXPECT_EQ(DifferenceOf(R"({"student":{"file":"a.gguf","fingerprint":"1"}})",
                         R"({"student":{"file":"b.gguf","fingerprint":"1"}})"),
            "student/file a.gguf -> b.gguf");
}

TEST(DifferenceTest, LongValuesAreShortened) {
  const std::string value(500, 'x');
  const std::string shown = DifferenceOf(R"({"a":")" + value + R"("})", R"({"a":1})");
  EXPECT_THAT(shown, testing::EndsWith("… -> 1"));
  EXPECT_LT(shown.size(), 100U);
}

TEST(DifferenceTest, DamagedRecordIsSaid) {
  EXPECT_EQ(DifferenceOf("{\"seed\":", R"({"seed":1})"), "its config.json is damaged");
  EXPECT_EQ(DifferenceOf("[1]", R"({"seed":1})"), "its config.json is damaged");
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(DifferenceOf(deep, R"({"seed":1})"),
            "its config.json is damaged: nested more than 200 levels deep");
}

class SetAsideTest : public testing::Test {
 protected:
  SetAsideTest() { fs::create_directories(folder_ / "far"); }
  ~SetAsideTest() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::temp_directory_path() / ("set_aside_test." + std::to_string(getpid()));
};

TEST_F(SetAsideTest, TheFileBehindALinkIsSetAsideAndTheLinkStays) {
  std::ofstream(folder_ / "far/r.jsonl") << "1\n";
  fs::create_symlink("far/r.jsonl", folder_ / "link");
  EXPECT_EQ(SetAside(folder_ / "link").value(), folder_ / "far/r.jsonl.old-1");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_TRUE(fs::exists(folder_ / "far/r.jsonl.old-1"));
  EXPECT_EQ(SetAside(folder_ / "link").value(), "");
  {
    auto file = AppendFile::Open(folder_ / "link");
    ASSERT_TRUE(file) << file.error().message;
  }
  EXPECT_TRUE(fs::exists(folder_ / "far/r.jsonl"));
}

TEST_F(SetAsideTest, ALinkedFolderIsThereAgain) {
  fs::create_directories(folder_ / "far/r.run");
  fs::create_directory_symlink("far/r.run", folder_ / "link.run");
  EXPECT_EQ(SetAside(folder_ / "link.run").value(), folder_ / "far/r.run.old-1");
  EXPECT_TRUE(WriteWhole(folder_ / "link.run/config.json", "{}"));
  EXPECT_TRUE(fs::exists(folder_ / "far/r.run/config.json"));
}

}  // namespace
}  // namespace tessy
