#include "job/first_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RunProgress After(std::map<FailureReason, uint64_t> failed_attempts, size_t done = 0, uint64_t written = 0) {
  RunProgress progress;
  progress.samples = 100;
  progress.done = done;
  progress.counters.written = written;
  progress.counters.failed_attempts = std::move(failed_attempts);
  return progress;
}

TEST(FirstFailures, OneReasonForAllIsToldOnceWithWhatToTry) {
  FirstFailures failures("r.jsonl");
  EXPECT_FALSE(failures.Look(After({})));
  EXPECT_FALSE(failures.Look(After({{FailureReason::kThinkingNotClosed, 19}})));
  const auto line = failures.Look(After({{FailureReason::kThinkingNotClosed, 21}}));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, AllOf(HasSubstr("first 21 attempts all failed: thinking_not_closed"),
                           HasSubstr("--max-thinking-tokens"), HasSubstr("tessy show r.jsonl --failures")));
  EXPECT_FALSE(failures.Look(After({{FailureReason::kThinkingNotClosed, 400}})));
}

TEST(FirstFailures, OfSeveralReasonsTheMostFrequentIsTold) {
  FirstFailures failures;
  EXPECT_FALSE(
      failures.Look(After({{FailureReason::kRepetition, 8}, {FailureReason::kEndedInThinking, 11}})));
  const auto line =
      failures.Look(After({{FailureReason::kRepetition, 8}, {FailureReason::kEndedInThinking, 12}}));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, AllOf(HasSubstr("first 20 attempts all failed, 12 of them by ended_in_thinking; "),
                           HasSubstr("family instruct"), testing::Not(HasSubstr("repeats"))));
}

TEST(FirstFailures, AThinkingThatNobodyClosesMayWantAnotherFamily) {
  FirstFailures failures;
  const auto line = failures.Look(After({{FailureReason::kThinkingNotClosed, 20}}));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, AllOf(HasSubstr("instruct"), HasSubstr("few-shot")));
}

TEST(FirstFailures, NothingIsToldWhereSomethingSucceeds) {
  for (const RunProgress& progress :
       {After({{FailureReason::kRepetition, 1000}}, 1), After({{FailureReason::kRepetition, 1000}}, 0, 1)}) {
    FirstFailures failures;
    EXPECT_FALSE(failures.Look(progress));
    EXPECT_FALSE(failures.Look(After({{FailureReason::kRepetition, 1000}})))
        << "it is no longer the beginning";
  }
}

TEST(FirstFailures, EveryReasonHasAnAdvice) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(FailureReason::kPromptTooLong); ++i) {
    const auto reason = static_cast<FailureReason>(i);
    const std::string name(Name(reason));
    EXPECT_EQ(ReasonNamed(name), reason);
    EXPECT_EQ(ReasonNamed(name + ": 300 of 256 tokens"), reason);
    FirstFailures failures;
    const auto line = failures.Look(After({{reason, 20}}));
    ASSERT_TRUE(line) << name;
    EXPECT_GT(line->size(), 120U) << *line;
  }
}

}  // namespace
}  // namespace tessy
