#include "dataset/thinking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dataset/response.h"

namespace tessy {
namespace {

using testing::HasSubstr;

TEST(ThinkingOfTest, StandsBetweenTheMarks) {
  EXPECT_EQ(ThinkingOf("<think>\nOkay.\n</think>\n\nSeven."), "\nOkay.\n");
  EXPECT_EQ(ThinkingOf("Okay, the template opened it.</think>Seven."), "Okay, the template opened it.");
  EXPECT_EQ(ThinkingOf("<think>a\n</think>\nOne may write <think> and </think>."), "a\n");
  EXPECT_EQ(ThinkingOf("\n<think>a <think> b</think>"), "a <think> b");
  EXPECT_EQ(ThinkingOf("Seven."), "");
  EXPECT_EQ(ThinkingOf("<think>never closed"), "");
}

TEST(ThinkingOfTest, OfSeveralMarksTheOneOnItsOwnLineCountsElseTheLast) {
  EXPECT_EQ(ThinkingOf("<think>\nIt splits at `</think>` here.\n</think>\n\nUse rsplit."),
            "\nIt splits at `</think>` here.\n");
  EXPECT_EQ(ThinkingOf("<think>\nA\n  </think> \r\n\nWrite\n</think>\nso."), "\nA\n  ");
  EXPECT_EQ(ThinkingOf("<think>It splits at \"</think>\" here.</think>Use rsplit."),
            "It splits at \"</think>\" here.");
}

TEST(ThinkingOfTest, OtherMarksAreKnown) {
  EXPECT_EQ(ThinkingOf("<|begin_of_thought|>\nT\n<|end_of_thought|>\n\n<|begin_of_solution|>0"), "\nT\n");
  EXPECT_EQ(ThinkingOf("<thinking>T</thinking>0"), "T");
  EXPECT_EQ(ThinkingOf("<thought>T</thought>0"), "T");
  EXPECT_EQ(ThinkingOf("<seed:think>T</seed:think>0"), "T");
  EXPECT_EQ(ThinkingOf("[THINK]T[/THINK]0"), "T");
  EXPECT_EQ(ThinkingOf("The mark </thinking> is none of mine."), "");
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
      R"({"response":"<think>T</think>A"})",
      R"({"id":"h","messages":[{"role":"assistant","content":"A","reasoning":"T"}]})",
      R"({"id":"i","messages":[{"role":"assistant","content":"A","thinking":"T"}]})",
      R"({"id":"j","prompt":"q","completion":"<think>T</think>A"})",
      R"({"id":"k","problem":"q","generation":"<think>T</think>A"})",
      R"({"id":"l","prompt":[],"completion":[{"role":"assistant","content":"<think>T</think>A"}]})",
      R"({"id":"m","messages":[{"role":"assistant","content":[{"type":"text","text":"<think>T</think>A"}]}]})",
      R"({"id":"n","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"T"},{"type":"text","text":"A"}]}]})",
      R"({"id":"o","reasoning":"on","output":"<think>T</think>A","score":NaN,"note":"\ud83d"})"};
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  const auto read = ReadText(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->thinkings.size(), rows.size());
  for (const Thinking& thinking : read->thinkings) EXPECT_EQ(thinking.text, "T") << thinking.trace_id;
  EXPECT_EQ(read->thinkings[1].trace_id, "7");
  EXPECT_THAT(read->thinkings[6].trace_id, testing::StartsWith("r-"));
}

TEST_F(ThinkingFileTest, ASwitchIsNoThinking) {
  EXPECT_THAT(ReadText("{\"reasoning\":\"on\",\"output\":\"A\"}\n").error().message,
              HasSubstr("there is no thinking"));
  EXPECT_EQ(ReadText("{\"reasoning\":\"First, 3.\",\"output\":\"A\"}\n")->thinkings[0].text, "First, 3.");
}

// The answer of a response names the mark; the spans say that the thinking ended before.
TEST_F(ThinkingFileTest, InOurOwnRowsTheSpansSayWhereTheThinkingEnds) {
  Response response;
  response.id = response.question_id = "q";
  response.messages = {{"user", "Hi"}, {"assistant", "<think>T</think>Write </think> so."}};
  response.spans = {{Role::kStudent, SpanKind::kThinking, 7, 8, 1},
                    {Role::kStudent, SpanKind::kAnswer, 16, 34, 4}};
  const auto read = ReadText(ToJsonLine(response) + "\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->thinkings[0].text, "T");
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
