#include "judge/grading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dataset/response.h"

namespace tessy {
namespace {

using testing::HasSubstr;

class GradingTest : public testing::Test {
 protected:
  GradingTest() {
    std::string pattern = testing::TempDir() + "grading-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~GradingTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  // Questions q0, q1, … with these answers.
  void Ask(const std::vector<std::string>& answers) {
    std::ofstream file(Path("q.jsonl"));
    for (size_t i = 0; i < answers.size(); ++i) {
      file << "{\"id\": \"q" << i << "\", \"prompt\": \"?\", \"answer\": " << answers[i] << "}\n";
    }
    file.close();
    questions_ = ReadQuestions(Path("q.jsonl"))->questions;
  }

  void Respond(size_t question, uint32_t sample, const std::string& answer) {
    const std::string thinking = "<think>2 + 2 = 4</think>";
    Response response;
    response.question_id = "q" + std::to_string(question);
    response.sample = sample;
    response.id = response.question_id + "/" + std::to_string(sample);
    response.method = "student-only";
    response.messages = {{.role = "user", .content = "?"},
                         {.role = "assistant", .content = thinking + answer}};
    response.spans = {
        {.role = Role::kStudent, .kind = SpanKind::kThinking, .start = 7, .end = 16, .tokens = 5},
        {.role = Role::kStudent,
         .kind = SpanKind::kAnswer,
         .start = thinking.size(),
         .end = thinking.size() + answer.size(),
         .tokens = 5}};
    std::ofstream(Path("r.jsonl"), std::ios::app) << ToJsonLine(response) << "\n";
  }

  Result<Graded> Grade(uint32_t samples) const {
    return GradeResponses(Path("r.jsonl"), Path("q.jsonl"), questions_, samples, "task");
  }
  std::string Message(uint32_t samples) const {
    const auto graded = Grade(samples);
    return graded ? "no error" : graded.error().message;
  }

  std::string folder_;
  std::vector<Question> questions_;
};

TEST_F(GradingTest, EachVerdictSaysWhatWasCompared) {
  Ask({"\"\\\\frac12\"", "[\"8\"]", "\"5+3=8\\n#### 8\""});
  Respond(2, 0, "I do not know");
  Respond(1, 0, "The answer is 8.");
  Respond(0, 0, "\\boxed{0.5}");
  const auto graded = Grade(1);
  ASSERT_TRUE(graded) << graded.error().message;
  ASSERT_EQ(graded->verdicts.size(), 3U);
  EXPECT_EQ(ToJsonLine(graded->verdicts[0]),
            R"({"question_id":"q0","sample":0,"right":true,"extracted":"0.5","expected":"\\frac12"})");
  EXPECT_EQ(ToJsonLine(graded->verdicts[1]),
            R"({"question_id":"q1","sample":0,"right":true,"extracted":"8","expected":"8"})");
  EXPECT_FALSE(graded->verdicts[2].right);
  EXPECT_EQ(graded->all.right, 2U);
}

TEST_F(GradingTest, WhereAllSamplesAgreeTheIntervalIsWilsons) {
  Ask({"1", "2", "3", "4"});
  for (size_t question = 0; question < 4; ++question) {
    for (uint32_t sample = 0; sample < 2; ++sample) Respond(question, sample, "The answer is 9.");
  }
  const auto wrong = Grade(2);
  ASSERT_TRUE(wrong) << wrong.error().message;
  EXPECT_EQ(wrong->all.low, 0.0);
  EXPECT_NEAR(wrong->all.high, 0.4899, 1e-4);  // 3.8415 / (4 + 3.8415)
}

TEST_F(GradingTest, AShareThatAllQuestionsHaveIsNotCertain) {
  Ask({"1", "1"});
  for (size_t question = 0; question < 2; ++question) {
    Respond(question, 0, "1");
    Respond(question, 1, "2");
  }
  const auto half = Grade(2);
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_EQ(half->all.pass_at_1, 0.5);
  EXPECT_LT(half->all.low, 0.2);
  EXPECT_GT(half->all.high, 0.8);
}

TEST_F(GradingTest, ASpreadBetweenQuestionsIsTheIntervalsWidth) {
  Ask({"1", "1", "1"});
  for (size_t question = 0; question < 3; ++question) {
    Respond(question, 0, "1");
    Respond(question, 1, question == 0 ? "2" : "1");
  }
  const auto graded = Grade(2);
  ASSERT_TRUE(graded) << graded.error().message;
  EXPECT_NEAR(graded->all.low, 5.0 / 6 - 1.959964 / 6, 1e-6);  // shares 1/2, 1, 1
  EXPECT_EQ(graded->all.high, 1.0);
}

TEST_F(GradingTest, SamplesPastThoseAskedForAreRefused) {
  Ask({"1"});
  for (uint32_t sample = 0; sample < 4; ++sample) Respond(0, sample, "1");
  EXPECT_THAT(Message(2), HasSubstr("r.jsonl:3: sample 2 of question \"q0\" is past the 2 that are graded; "
                                    "--samples 4 grades them all"));
  EXPECT_EQ(Message(4), "no error");
}

TEST_F(GradingTest, ASampleThatIsThereTwiceIsRefused) {
  Ask({"1", "2"});
  Respond(0, 0, "1");
  Respond(1, 0, "2");
  Respond(0, 0, "3");
  EXPECT_THAT(Message(1), HasSubstr("r.jsonl:3: sample 0 of question \"q0\" is in line 1 already"));
}

TEST_F(GradingTest, AnswersThatCannotBeComparedNameTheirLine) {
  for (const char* answer : {"null", "\"\"", "[]", "[1, 2]", "{\"value\": 1}", "true"}) {
    Ask({"1", answer});
    const auto expected = ExpectedAnswers(Path("q.jsonl"), questions_);
    ASSERT_FALSE(expected) << answer;
    EXPECT_THAT(expected.error().message, HasSubstr("q.jsonl:2: has ")) << answer;
  }
}

}  // namespace
}  // namespace tessy
