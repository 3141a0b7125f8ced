#include "store/run_summary.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "store/open_run_store.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::Pair;

class RunSummaryTest : public testing::Test {
 protected:
  RunSummaryTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fmt::format("{}run_summary_test_{}_{}", testing::TempDir(), test, getpid());
    std::filesystem::create_directories(folder_);
    store_ = OpenRunStore(RunStoreIn(folder_)).value();
  }
  ~RunSummaryTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static SampleRecord Done(uint32_t sample, const std::string& closed_by) {
    return {.key = {.question_id = "a", .sample = sample},
            .done = true,
            .reason = {},
            .closed_by = closed_by,
            .stats = {.student_tokens = 2,
                      .teacher_tokens = 3,
                      .answer_tokens = 4,
                      .switches = 5,
                      .attempts = 2,
                      .failed_attempts_tokens = 6,
                      .wrong_candidates = 1}};
  }
  static SampleRecord Failed(uint32_t sample, const std::string& reason) {
    return {.key = {.question_id = "a", .sample = sample},
            .reason = reason,
            .closed_by = {},
            .stats = {.attempts = 6}};
  }

  std::string folder_;
  std::unique_ptr<RunStore> store_;
};

TEST_F(RunSummaryTest, RunThatHasNotBegunIsAllNoughts) {
  const auto summary = Summarize(*store_);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->samples, 0U);
  EXPECT_FALSE(summary->finished());
  EXPECT_EQ(summary->tokens_per_second(), 0.0);
  EXPECT_EQ(summary->samples_per_hour(), 0.0);
  EXPECT_EQ(summary->discarded_share(), 0.0);
  EXPECT_TRUE(summary->Changes().empty());
}

TEST_F(RunSummaryTest, SumsUpSamplesAttemptsAndSessions) {
  store_->FailAttempt({.sample = {.question_id = "a", .sample = 0}}, {.number = 0, .reason = "repetition"});
  store_->FailAttempt({.sample = {.question_id = "a", .sample = 2}}, {.number = 0, .reason = "context_full"});
  store_->FailAttempt({.sample = {.question_id = "a", .sample = 2}}, {.number = 1, .reason = "repetition"});
  store_->FinishSample(Done(0, "student"));
  store_->FinishSample(Done(1, "student"));
  store_->FinishSample(Failed(2, "repetition"));
  store_->AddSpan({.sample = {.question_id = "a", .sample = 3}}, {.events = "begun"});
  store_->SetSession({.started_ms = 10000,
                      .last_ms = 14000,
                      .ended = "interrupted",
                      .samples = 5,
                      .tokens = 100,
                      .drafted_tokens = 120,
                      .discarded_tokens = 12,
                      .recalled_tokens = 7,
                      .spans = 9});
  const auto summary = Summarize(*store_);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->samples, 5U);
  EXPECT_EQ(summary->done, 2U);
  EXPECT_EQ(summary->failed, 1U);
  EXPECT_EQ(summary->unfinished, 1U);
  EXPECT_FALSE(summary->finished());
  const SampleStats expected{.student_tokens = 4,
                             .teacher_tokens = 6,
                             .answer_tokens = 8,
                             .switches = 10,
                             .attempts = 4,
                             .failed_attempts_tokens = 12,
                             .wrong_candidates = 2};
  EXPECT_EQ(summary->stats, expected);
  EXPECT_THAT(summary->closed_by, ElementsAre(Pair("student", 2)));
  EXPECT_THAT(summary->failures, ElementsAre(Pair("repetition", 1)));
  EXPECT_THAT(summary->failed_attempts, ElementsAre(Pair("context_full", 1), Pair("repetition", 2)));
  EXPECT_EQ(summary->recalled_tokens, 7U);
  EXPECT_EQ(summary->spans, 9U);
  EXPECT_DOUBLE_EQ(summary->tokens_per_second(), 25.0);
  EXPECT_DOUBLE_EQ(summary->samples_per_hour(), 3 * 900.0);
  EXPECT_DOUBLE_EQ(summary->discarded_share(), 0.1);
}

TEST_F(RunSummaryTest, ClockThatIsSetBackTakesNoTimeAway) {
  store_->SetSession({.started_ms = 10000, .last_ms = 4000, .ended = "", .tokens = 100});
  EXPECT_EQ(Summarize(*store_)->seconds, 0.0);
  EXPECT_EQ(Summarize(*store_)->tokens_per_second(), 0.0);
}

TEST_F(RunSummaryTest, TellsHowSettingsChanged) {
  for (const char* json : {R"({"seed":1})", R"({"seed":2})", R"({"seed":2,"k":5})"}) {
    store_->AddConfiguration({.at_ms = 1, .json = json});
  }
  EXPECT_THAT(Summarize(*store_)->Changes(), ElementsAre("seed 1 -> 2", "k (none) -> 5"));
}

}  // namespace
}  // namespace tessy
