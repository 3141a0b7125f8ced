#include "select/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

class LookupTest : public testing::Test {
 protected:
  LookupTest() { std::filesystem::create_directories(folder_); }
  ~LookupTest() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_ + "/" + name).parent_path());
    std::ofstream(folder_ + "/" + name) << text;
  }
  std::string Find(Lookup& lookup, std::string data_set, std::string split, std::string index) const {
    SourceQuestion question;
    question.dataset = std::move(data_set);
    question.split = std::move(split);
    question.index = std::move(index);
    auto text = lookup.Find(question);
    EXPECT_TRUE(text) << text.error().message;
    return text.value_or("");
  }

  std::string folder_ = testing::TempDir() + "lookup_test_" + std::to_string(::getpid());
};

TEST_F(LookupTest, TextsAreFoundByDataSetSplitAndNumber) {
  Write("taco/data/train-00000.jsonl", "{\"question\":\"t0\"}\n{\"question\":\"t1\"}\n");
  Write("taco/data/train-00001.jsonl", "{\"question\":\"t2\"}\n");
  Write("taco/data/test-00000.jsonl", "{\"question\":\"e0\"}\n");
  Write("cc/valid.jsonl", "{\"description\":\"v0\"}\n");
  auto lookup = Lookup::Make({"taco=" + folder_ + "/taco", "code_contests=" + folder_ + "/cc"});
  ASSERT_TRUE(lookup);
  EXPECT_EQ(Find(*lookup, "taco", "train", "2"), "t2");
  EXPECT_EQ(Find(*lookup, "BAAI/taco", "test", "0"), "e0");
  EXPECT_EQ(Find(*lookup, "code_contests", "validation", "0"), "v0");
  EXPECT_EQ(Find(*lookup, "taco", "train", "3"), "");
  EXPECT_EQ(Find(*lookup, "taco", "train", "x"), "");
  EXPECT_EQ(Find(*lookup, "taco", "other", "0"), "");
  EXPECT_EQ(Find(*lookup, "apps", "train", "0"), "");
}

TEST_F(LookupTest, TheSplitOfASingleFileIsThatOfItsName) {
  Write("train/test.jsonl", "{\"question\":\"e0\"}\n");
  auto lookup = Lookup::Make({"taco=" + folder_ + "/train/test.jsonl"});
  ASSERT_TRUE(lookup);
  EXPECT_EQ(Find(*lookup, "taco", "test", "0"), "e0");
  EXPECT_EQ(Find(*lookup, "taco", "train", "0"), "");
}

TEST_F(LookupTest, WordsThatHoldTheNameOfASplitAreNone) {
  Write("all/code_contests/data/part-0.jsonl", "{\"question\":\"t0\"}\n");
  Write("all/contest-data/latest.jsonl", "{\"question\":\"t1\"}\n");
  Write("all/contest-data/my_test-0.jsonl", "{\"question\":\"e0\"}\n");
  Write("all/test/0.jsonl", "{\"question\":\"e1\"}\n");
  Write("all/test/train-0.jsonl", "{\"question\":\"t2\"}\n");
  auto lookup = Lookup::Make({"cc=" + folder_ + "/all"});
  ASSERT_TRUE(lookup);
  EXPECT_EQ(Find(*lookup, "cc", "train", "0"), "t0");
  EXPECT_EQ(Find(*lookup, "cc", "train", "1"), "t1");
  EXPECT_EQ(Find(*lookup, "cc", "train", "2"), "t2");
  EXPECT_EQ(Find(*lookup, "cc", "test", "0"), "e0");
  EXPECT_EQ(Find(*lookup, "cc", "test", "1"), "e1");
}

TEST_F(LookupTest, NothingIsReadOnceItIsToStop) {
  Write("taco/train.jsonl", "{\"question\":\"t0\"}\n");
  std::atomic<bool> stop{true};
  auto lookup = Lookup::Make({"taco=" + folder_ + "/taco"}, &stop);
  ASSERT_TRUE(lookup);
  EXPECT_EQ(Find(*lookup, "taco", "train", "0"), "");
  stop = false;
  EXPECT_EQ(Find(*lookup, "taco", "train", "0"), "t0");
}

TEST_F(LookupTest, WhatIsWrongIsSaid) {
  EXPECT_FALSE(Lookup::Make({"taco"}));
  EXPECT_FALSE(Lookup::Make({"=x"}));
  auto lookup = Lookup::Make({"taco=" + folder_ + "/none"});
  SourceQuestion question;
  question.dataset = "taco";
  const auto missing = lookup->Find(question);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("cannot be read: No such file"));
}

TEST(TaskText, CodeforcesTasksHaveHeadings) {
  EXPECT_EQ(TextOfTask(R"({"description":"D","input_format":"I","output_format":"O","note":"N",)"
                       R"("examples":[{"input":"1","output":"2"},{"input":"3","output":"4"}]})"),
            "D\n\nInput\n\nI\n\nOutput\n\nO\n\nExamples\n\nInput\n\n1\n\nOutput\n\n2\n\nInput\n\n3\n\nOutput"
            "\n\n4\n\nNote\n\nN");
  EXPECT_EQ(TextOfTask(R"({"description":"D","examples":null})"), "D");
  EXPECT_EQ(TextOfTask(R"({"note":"N"})"), "");
  EXPECT_EQ(TextOfTask("no json"), "");
}

}  // namespace
}  // namespace tessy
