// What every adapter of the port promises, and what each says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/testing/mailbox.h"
#include "judge/answer_judge.h"
#include "judge/command_judge.h"

namespace tessy {
namespace {

class JudgeTest : public testing::Test {
 protected:
  static Question Asked(const std::string& source_json) {
    Question question;
    question.id = "q\"1";
    question.messages = {{.role = "system", .content = "Be brief."}, {.role = "user", .content = "3 + 5?"}};
    question.source_json = source_json;
    return question;
  }
  Judge::Post Post() {
    return [this](auto call) { mailbox_.Post(std::move(call)); };
  }
  std::unique_ptr<Judge> NewCommandJudge(const std::string& command,
                                         std::chrono::seconds wall_max = std::chrono::seconds(60)) {
    return std::make_unique<CommandJudge>(CommandJudgeOptions{.command = command, .wall_max = wall_max},
                                          Post());
  }
  // Of the answer " it is 8" to a question whose answer is 8.
  Result<bool> Ask(Judge& judge, const std::string& answer = " it is 8",
                   const std::string& source_json = R"({"answer":8})") {
    std::optional<Result<bool>> result;
    judge.Ask(Asked(source_json), {.thinking = "Hm.\n", .answer = answer},
              [&result](Result<bool> right) { result = std::move(right); });
    EXPECT_FALSE(result) << "called back from within the call";
    EXPECT_TRUE(mailbox_.RunUntil([&result] { return result.has_value(); }));
    return result.value_or(Fail(ErrorCode::kBackend, "no judgement came"));
  }
  static std::string Message(const Result<bool>& result) {
    return result ? "no error" : result.error().message;
  }

  Mailbox mailbox_;
};

TEST_F(JudgeTest, AnAnswerIsComparedWithTheQuestions) {
  AnswerJudge judge(Post());
  EXPECT_EQ(Ask(judge), true);
  EXPECT_EQ(Ask(judge, "9"), false);
  const auto unknown = Ask(judge, "8", "{}");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidData);
}

TEST_F(JudgeTest, ACommandSaysItByItsStatus) {
  EXPECT_EQ(Ask(*NewCommandJudge("exit 0")), true);
  EXPECT_EQ(Ask(*NewCommandJudge("exit 1")), false);
  const std::string line =
      R"({"id":"q\"1","question":"3 + 5?","answer":" it is 8","response":"Hm.\n it is 8","expected":"8"})";
  EXPECT_EQ(Ask(*NewCommandJudge("test \"$(cat)\" = '" + line + "'")), true);
}

TEST_F(JudgeTest, ACommandDoesNotGetTheKeysOfServers) {
  ASSERT_EQ(setenv("TESSY_API_KEY", "secret", 1), 0);
  ASSERT_EQ(setenv("TESSY_TEACHER_API_KEY", "secret", 1), 0);
  EXPECT_EQ(Ask(*NewCommandJudge("! env | grep -q secret")), true);
  unsetenv("TESSY_API_KEY");
  unsetenv("TESSY_TEACHER_API_KEY");
}

TEST_F(JudgeTest, ACommandThatSaysNothingIsAnErrorThatTellsWhy) {
  EXPECT_EQ(Message(Ask(*NewCommandJudge("exit 7"))), "checker ended with status 7; 0 is right, 1 is wrong");
  EXPECT_EQ(Message(Ask(*NewCommandJudge("/no/such/program 2> /dev/null"))),
            "checker ended with status 127; 0 is right, 1 is wrong");
  EXPECT_EQ(Message(Ask(*NewCommandJudge("kill -11 $$"))), "checker was ended by signal 11");
  const auto late = Ask(*NewCommandJudge("sleep 600", std::chrono::seconds(1)));
  EXPECT_EQ(Message(late), "checker took longer than 1 seconds");
  EXPECT_EQ(late.error().code, ErrorCode::kBackend);
}

TEST_F(JudgeTest, CancelEndsACommandAndTheJudgeMayBeAskedAgain) {
  const auto judge = NewCommandJudge("test \"$(cut -c 8-10)\" = sum || sleep 600");
  std::optional<Result<bool>> result;
  judge->Ask(Asked("{}"), {.thinking = "", .answer = ""}, [&result](Result<bool> right) { result = right; });
  judge->Cancel();
  ASSERT_TRUE(mailbox_.RunUntil([&result] { return result.has_value(); }));
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::kCancelled);
  Question easy = Asked("{}");
  easy.id = "sum";
  result.reset();
  judge->Ask(easy, {.thinking = "", .answer = ""}, [&result](Result<bool> right) { result = right; });
  ASSERT_TRUE(mailbox_.RunUntil([&result] { return result.has_value(); }));
  EXPECT_EQ(*result, true);
}

TEST_F(JudgeTest, NobodyIsCalledBackOnceTheJudgeIsGone) {
  bool called = false;
  const auto done = [&called](const Result<bool>&) { called = true; };
  {
    AnswerJudge answers(Post());
    answers.Ask(Asked(R"({"answer":8})"), {.thinking = "", .answer = "8"}, done);
    NewCommandJudge("exit 0")->Ask(Asked("{}"), {.thinking = "", .answer = "8"}, done);
  }
  bool ran = false;
  mailbox_.Post([&ran] { ran = true; });
  ASSERT_TRUE(mailbox_.RunUntil([&ran] { return ran; }));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace tessy
