#include "job/run_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A table with a setting of every kind.
class RunFileTest : public testing::Test {
 protected:
  RunFileTest() { path_ = testing::TempDir() + "run_file_test_" + std::to_string(getpid()) + ".toml"; }
  ~RunFileTest() override { std::filesystem::remove(path_); }

  Status Apply(const std::string& toml, const std::set<std::string, std::less<>>& given = {}) {
    std::ofstream(path_) << toml;
    return ApplyRunFile(settings_, path_, [&](std::string_view key) { return given.contains(key); });
  }
  // What follows the file's name in the message.
  std::string ErrorOf(const std::string& toml) {
    const auto status = Apply(toml);
    if (status) return "";
    EXPECT_THAT(status.error().message, testing::StartsWith(path_ + ":"));
    return status.error().message.substr(path_.size());
  }

  std::string text_ = "before";
  std::vector<std::string> texts_;
  int number_ = 5;
  double real_ = 0.25;
  bool exact_ = false;
  bool fresh_ = false;
  std::string path_;
  const Settings settings_{{.key = "out", .value = &text_, .help = "", .group = ""},
                           {.key = "model", .value = &texts_, .help = "", .group = ""},
                           {.key = "samples-per-question",
                            .value = &number_,
                            .help = "",
                            .group = "",
                            .range = WholeRange{1, 100}},
                           {.key = "top-p", .value = &real_, .help = "", .group = ""},
                           {.key = "exact", .value = &exact_, .help = "", .group = ""},
                           {.key = "fresh", .value = &fresh_, .help = "", .group = "", .only_as_flag = true}};
};

TEST_F(RunFileTest, WhatEditorsAddIsTakenOff) {
  ASSERT_TRUE(Apply("\xEF\xBB\xBFout = \"a\"\r\nmodel = [\"\"\"x\r\ny\"\"\"]\r\n"));
  EXPECT_EQ(text_, "a");
  EXPECT_THAT(texts_, ElementsAre("x\ny"));
}

TEST_F(RunFileTest, DeepNestingIsRefusedWithItsLine) {
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += "a.";
  EXPECT_EQ(ErrorOf("exact = true\n" + keys + "a = 1\n"), ":2: nested more than 200 levels deep");
}

TEST_F(RunFileTest, AnOutputThatIsTheRunFileIsRefused) {
  EXPECT_THAT(Apply("out = \"" + path_ + "\"\n").error().message,
              HasSubstr("is the file of the run file, " + path_));
}

TEST_F(RunFileTest, KeysAreThoseOfTheTable) {
  ASSERT_TRUE(
      Apply("out = \"a b.jsonl\"  # a comment\nsamples-per-question = 7\ntop_p = 0.5\nexact = true\n"));
  EXPECT_EQ(text_, "a b.jsonl");
  EXPECT_EQ(number_, 7);
  EXPECT_EQ(real_, 0.5);
  EXPECT_TRUE(exact_);
}

TEST_F(RunFileTest, WhatIsNotInTheFileStays) {
  ASSERT_TRUE(Apply("exact = false\n"));
  EXPECT_EQ(text_, "before");
  EXPECT_EQ(number_, 5);
  EXPECT_FALSE(exact_);
}

TEST_F(RunFileTest, WhatIsGivenStays) {
  texts_ = {"flag"};
  number_ = 8;
  ASSERT_TRUE(Apply("out = \"file\"\nsamples-per-question = 7\nmodel = [\"file\"]\n",
                    {"model", "samples-per-question"}));
  EXPECT_EQ(text_, "file");
  EXPECT_EQ(number_, 8);
  EXPECT_THAT(texts_, ElementsAre("flag"));
}

TEST_F(RunFileTest, ListsAreRepeatedFlags) {
  ASSERT_TRUE(Apply("model = [\"a\", \"b\"]\n"));
  EXPECT_THAT(texts_, ElementsAre("a", "b"));
}

TEST_F(RunFileTest, NumbersOfEitherKindAndDatesAreTexts) {
  ASSERT_TRUE(Apply("out = 2026-01-09\ntop-p = 1\n"));
  EXPECT_EQ(text_, "2026-01-09");
  EXPECT_EQ(real_, 1.0);
}

TEST_F(RunFileTest, UnknownKeysAreRefusedWithTheirNeighbours) {
  EXPECT_THAT(
      ErrorOf("\n\nsample-per-question = 7\n"),
      HasSubstr(":3: there is no setting \"sample-per-question\"; did you mean samples-per-question?"));
  EXPECT_THAT(ErrorOf("[run]\nout = \"x\"\n"), HasSubstr(":1: there is no setting \"run\""));
}

TEST_F(RunFileTest, WhatOnlyAsksIsNoSetting) {
  EXPECT_EQ(ErrorOf("help = true\n"), ":1: there is no setting \"help\"");
  EXPECT_THAT(ErrorOf("fresh = true\n"), HasSubstr(":1: \"fresh\" belongs on the command line"));
}

TEST_F(RunFileTest, WrongTypesAreRefusedWithTheirLine) {
  EXPECT_EQ(ErrorOf("exact = \"yes\"\n"), ":1: \"exact\" takes true or false");
  EXPECT_EQ(ErrorOf("exact = 1\n"), ":1: \"exact\" takes true or false");
  EXPECT_EQ(ErrorOf("out = true\n"), ":1: \"out\" takes a value, not true or false");
  EXPECT_THAT(ErrorOf("out = {a = 1}\n"), HasSubstr(":1: \"out\" takes a value, not a table"));
  EXPECT_THAT(ErrorOf("out = []\n"), HasSubstr("an empty list"));
  EXPECT_THAT(ErrorOf("samples-per-question = [1, 2]\n"), HasSubstr("takes one value"));
  EXPECT_THAT(ErrorOf("exact = true\nsamples-per-question = 101\n"),
              HasSubstr(":2: --samples-per-question: 101 is not a whole number from 1 to 100"));
  EXPECT_THAT(ErrorOf("top-p = \"high\"\n"), HasSubstr("--top-p"));
  EXPECT_EQ(text_, "before");
}

TEST_F(RunFileTest, BadTomlIsRefusedWithItsLine) {
  EXPECT_THAT(ErrorOf("exact = true\ntop-p =\n"), HasSubstr(":2: "));
  EXPECT_THAT(ErrorOf("exact = true\nexact = true\n"), HasSubstr(":2: "));
}

TEST_F(RunFileTest, FilesThatAreNone) {
  EXPECT_THAT(ApplyRunFile(settings_, path_ + ".not").error().message, HasSubstr("No such file"));
  EXPECT_THAT(ApplyRunFile(settings_, testing::TempDir()).error().message, HasSubstr("is a folder"));
}

}  // namespace
}  // namespace tessy
