#include "job/first_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RunProgress After(std::map<std::string, uint64_t> failed_attempts, size_t done = 0, uint64_t written = 0) {
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
  EXPECT_FALSE(failures.Look(After({{"thinking_not_closed", 19}})));
  const auto line = failures.Look(After({{"thinking_not_closed", 21}}));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, AllOf(HasSubstr("first 21 attempts all failed: thinking_not_closed"),
                           HasSubstr("--max-thinking-tokens"), HasSubstr("tessy show r.jsonl --failures")));
  EXPECT_FALSE(failures.Look(After({{"thinking_not_closed", 400}})));
}

TEST(FirstFailures, NothingIsToldWhereSomethingSucceedsOrReasonsDiffer) {
  for (const RunProgress& progress : {After({{"repetition", 1000}}, 1), After({{"repetition", 1000}}, 0, 1),
                                      After({{"repetition", 1000}, {"context_full", 1}})}) {
    FirstFailures failures;
    EXPECT_FALSE(failures.Look(progress));
    EXPECT_FALSE(failures.Look(After({{"repetition", 1000}}))) << "it is no longer the beginning";
  }
}

TEST(FirstFailures, EveryReasonHasAnAdvice) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(FailureReason::kPromptTooLong); ++i) {
    const std::string name(Name(static_cast<FailureReason>(i)));
    EXPECT_EQ(ReasonNamed(name), static_cast<FailureReason>(i));
    EXPECT_EQ(ReasonNamed(name + ": 300 of 256 tokens"), static_cast<FailureReason>(i));
    FirstFailures failures;
    const auto line = failures.Look(After({{name, 20}}));
    ASSERT_TRUE(line) << name;
    EXPECT_GT(line->size(), 120U) << *line;
  }
}

}  // namespace
}  // namespace tessy
