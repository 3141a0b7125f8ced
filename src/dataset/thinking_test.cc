#include "dataset/thinking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tessy {
namespace {

using testing::HasSubstr;

TEST(ThinkingOfTest, StandsBetweenTheMarks) {
  EXPECT_EQ(ThinkingOf("<think>\nOkay.\n</think>\n\nSeven."), "\nOkay.\n");
  EXPECT_EQ(ThinkingOf("Okay, the template opened it.</think>Seven."), "Okay, the template opened it.");
  EXPECT_EQ(ThinkingOf("<think>a</think>One may write <think> and </think>."), "a");
  EXPECT_EQ(ThinkingOf("\n<think>a <think> b</think>"), "a <think> b");
  EXPECT_EQ(ThinkingOf("Seven."), "");
  EXPECT_EQ(ThinkingOf("<think>never closed"), "");
}

class ThinkingFileTest : public testing::Test {
 protected:
  Result<Thinkings> ReadText(const std::string& text, bool skip = false) {
    std::ofstream(path_, std::ios::trunc) << text;
    return ReadThinkings(path_, skip);
  }
  ~ThinkingFileTest() override { std::filesystem::remove(path_); }
  std::string path_ =
      std::filesystem::temp_directory_path() / ("thinking_test." + std::to_string(getpid()) + ".jsonl");
};

TEST_F(ThinkingFileTest, ReadsEveryShape) {
  const std::vector<std::string> rows{
      R"({"id":"a","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"<think>T</think>A"}]})",
      R"({"id_ddm":7,"dialogs":[{"role":"assistant","content":"T</think>A"}]})",
      R"({"id":"c","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"<think>T</think>A"}]})",
      R"({"id":"d","input":"q","output":"<think>T</think>A"})",
      R"({"id":"e","messages":[{"role":"assistant","content":"A","reasoning_content":"T"}]})",
      R"({"id":"f","reasoning_content":"T","response":"A"})",
      R"({"response":"<think>T</think>A"})"};
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  const auto read = ReadText(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->thinkings.size(), rows.size());
  for (const Thinking& thinking : read->thinkings) EXPECT_EQ(thinking.text, "T") << thinking.trace_id;
  EXPECT_EQ(read->thinkings[1].trace_id, "7");
  EXPECT_THAT(read->thinkings[6].trace_id, testing::StartsWith("r-"));
}

TEST_F(ThinkingFileTest, NothingIsSkippedUnasked) {
  const std::string text =
      "{\"id\":\"a\",\"response\":\"<think>T</think>A\"}\n{\"id\":\"b\",\"response\":\"A\"}\nrubbish\n"
      "{\"id\":\"a\",\"response\":\"<think>U</think>A\"}\n";
  const auto refused = ReadText(text);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(":2: there is no thinking"));
  const auto read = ReadText(text, true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->thinkings.size(), 1U);
  ASSERT_EQ(read->bad_lines.size(), 3U);
  EXPECT_THAT(read->bad_lines[2].reason, HasSubstr("twice"));
}

TEST_F(ThinkingFileTest, AnEmptyFileIsAnError) {
  EXPECT_THAT(ReadText("\n").error().message, HasSubstr("holds no response"));
}

}  // namespace
}  // namespace tessy
