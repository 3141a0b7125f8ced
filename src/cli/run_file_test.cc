#include "cli/run_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A command with an option of every kind.
class RunFileTest : public testing::Test {
 protected:
  RunFileTest() {
    app_.set_version_flag("--version", "1");
    app_.add_option("--out", text_);
    app_.add_option("--model", texts_)->allow_extra_args(false);
    app_.add_option("--samples-per-question", number_)->check(CLI::Range(1, 100));
    app_.add_option("--top-p", real_);
    app_.add_flag("--exact", exact_);
    path_ = testing::TempDir() + "run_file_test_" + std::to_string(getpid()) + ".toml";
  }
  ~RunFileTest() override { std::filesystem::remove(path_); }

  Status Apply(const std::string& toml, const std::string& command_line = "") {
    std::ofstream(path_) << toml;
    app_.parse(command_line);
    return ApplyRunFile(app_, path_);
  }
  // What follows the file's name in the message.
  std::string ErrorOf(const std::string& toml) {
    const auto status = Apply(toml);
    if (status) return "";
    EXPECT_THAT(status.error().message, testing::StartsWith(path_ + ":"));
    return status.error().message.substr(path_.size());
  }

  CLI::App app_{"test", "test"};
  std::string text_ = "before";
  std::vector<std::string> texts_;
  int number_ = 5;
  double real_ = 0.25;
  bool exact_ = false;
  std::string path_;
};

TEST_F(RunFileTest, KeysAreFlags) {
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

TEST_F(RunFileTest, CommandLineWins) {
  ASSERT_TRUE(Apply("out = \"file\"\nsamples-per-question = 7\nmodel = [\"file\"]\n",
                    "--out flag --model flag --samples-per-question 8"));
  EXPECT_EQ(text_, "flag");
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
  EXPECT_EQ(ErrorOf("version = true\n"), ":1: there is no setting \"version\"");
}

TEST_F(RunFileTest, WrongTypesAreRefusedWithTheirLine) {
  EXPECT_EQ(ErrorOf("exact = \"yes\"\n"), ":1: \"exact\" takes true or false");
  EXPECT_EQ(ErrorOf("exact = 1\n"), ":1: \"exact\" takes true or false");
  EXPECT_EQ(ErrorOf("out = true\n"), ":1: \"out\" takes a value, not true or false");
  EXPECT_THAT(ErrorOf("out = {a = 1}\n"), HasSubstr(":1: \"out\" takes a value, not a table"));
  EXPECT_THAT(ErrorOf("out = []\n"), HasSubstr("an empty list"));
  EXPECT_THAT(ErrorOf("exact = true\nsamples-per-question = 101\n"), HasSubstr(":2: --samples-per-question"));
  EXPECT_THAT(ErrorOf("top-p = \"high\"\n"), HasSubstr("--top-p"));
  EXPECT_EQ(text_, "before");
}

TEST_F(RunFileTest, BadTomlIsRefusedWithItsLine) {
  EXPECT_THAT(ErrorOf("exact = true\ntop-p =\n"), HasSubstr(":2: "));
  EXPECT_THAT(ErrorOf("exact = true\nexact = true\n"), HasSubstr(":2: "));
}

TEST_F(RunFileTest, FilesThatAreNone) {
  app_.parse("");
  EXPECT_THAT(ApplyRunFile(app_, path_ + ".not").error().message, HasSubstr("No such file"));
  EXPECT_THAT(ApplyRunFile(app_, testing::TempDir()).error().message, HasSubstr("is a folder"));
}

}  // namespace
}  // namespace tessy
