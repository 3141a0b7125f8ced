// The judge that runs code keeps the port's promises.
#include "judge/code_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "base/testing/mailbox.h"

namespace tessy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kTests = R"({"input_output": {"inputs": ["4\n", "5\n"], "outputs": ["8\n", "10\n"]}})";

class CodeJudgeTest : public testing::Test {
 protected:
  Judge::Post Post() {
    return [this](auto call) { mailbox_.Post(std::move(call)); };
  }
  static Question Asked(const std::string& source_json) {
    Question question;
    question.id = "q";
    question.source_json = source_json;
    return question;
  }
  Result<bool> Ask(Judge& judge, const std::string& answer, const std::string& source_json = kTests) {
    std::optional<Result<bool>> result;
    judge.Ask(Asked(source_json), {.thinking = "", .answer = answer},
              [&](Result<bool> right) { result = std::move(right); });
    EXPECT_FALSE(result) << "called back from within the call";
    EXPECT_TRUE(mailbox_.RunUntil([&] { return result.has_value(); }));
    return result.value_or(Fail(ErrorCode::kBackend, "no judgement came"));
  }
  static std::string Fenced(const std::string& code) { return "Here:\n```python\n" + code + "\n```\n"; }

  Mailbox mailbox_;
};

TEST_F(CodeJudgeTest, TheProgramOfTheAnswerIsRunOnTheQuestionsTests) {
  CodeJudge judge({}, Post());
  EXPECT_EQ(Ask(judge, Fenced("print(2 * int(input()))")), true);
  EXPECT_EQ(Ask(judge, Fenced("print(8)")), false);
  EXPECT_EQ(Ask(judge, "I do not know."), false);
  const auto without = Ask(judge, Fenced("print(8)"), "{}");
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::kNotFound);
}

TEST_F(CodeJudgeTest, ManyAtATimeEachOnce) {
  CodeJudge judge({.workers = 2}, Post());
  int right = 0;
  int answered = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string code = i % 2 == 0 ? "print(2 * int(input()))" : "print(8)";
    judge.Ask(Asked(kTests), {.thinking = "", .answer = Fenced(code)}, [&](Result<bool> result) {
      ++answered;
      right += result && *result ? 1 : 0;
    });
  }
  EXPECT_TRUE(mailbox_.RunUntil([&] { return answered == 40; }));
  EXPECT_EQ(right, 20);
}

TEST_F(CodeJudgeTest, CancelEndsAllSoonAndTheJudgeGoesOn) {
  CodeJudge judge({.workers = 2, .limits = {.cpu = seconds(20)}}, Post());
  int cancelled = 0;
  for (int i = 0; i < 6; ++i) {
    judge.Ask(Asked(kTests), {.thinking = "", .answer = Fenced("while True: pass")},
              [&](Result<bool> result) {
                cancelled += !result && result.error().code == ErrorCode::kCancelled ? 1 : 0;
              });
  }
  std::this_thread::sleep_for(milliseconds(500));
  const auto began = std::chrono::steady_clock::now();
  judge.Cancel();
  EXPECT_TRUE(mailbox_.RunUntil([&] { return cancelled == 6; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  EXPECT_EQ(Ask(judge, Fenced("print(2 * int(input()))")), true);
}

TEST_F(CodeJudgeTest, TheEndOfTheJudgeIsTheEndOfWhatRuns) {
  bool called = false;
  const auto began = std::chrono::steady_clock::now();
  {
    CodeJudge judge({.workers = 1, .limits = {.cpu = seconds(20)}}, Post());
    judge.Ask(Asked(kTests), {.thinking = "", .answer = Fenced("while True: pass")},
              [&](const Result<bool>&) { called = true; });
    std::this_thread::sleep_for(milliseconds(200));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  EXPECT_FALSE(mailbox_.RunUntil([&] { return called; }, seconds(1)));
}

}  // namespace
}  // namespace tessy
