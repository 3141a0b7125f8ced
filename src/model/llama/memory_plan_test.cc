#include "model/llama/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::HasSubstr;

constexpr size_t kContext = 256;

// 100 bytes of weights, 13 bytes a sample, and 3 bytes a token: 781 for a whole sample.
std::vector<MemoryPlan::Line> Lines() {
  return {{.what = "student", .weights = 40, .cache_per_token = 1},
          {.what = "teacher", .weights = 50, .cache_per_token = 2},
          {.what = "student predictor", .weights = 10, .cache_per_sample = 13}};
}

TEST(MemoryPlan, AllSamplesCanBeFullWhereThatFits) {
  const auto plan = PlanMemory(Lines(), 5, kContext, 100 + 5 * 781);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 5);
  EXPECT_EQ(plan->pool_tokens, 5 * kContext);
  EXPECT_TRUE(plan->holds_all());
  EXPECT_EQ(plan->total(), 100U + 5 * 781);
}

TEST(MemoryPlan, ConcurrencyAskedForIsKeptAndSharesWhatThereIs) {
  const auto plan = PlanMemory(Lines(), 5, kContext, 100 + 2 * 781);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 5);
  EXPECT_FALSE(plan->holds_all());
  EXPECT_EQ(plan->pool_tokens, (2U * 781 - 5 * 13) / 3);
  EXPECT_LE(plan->total(), plan->budget);
  EXPECT_THAT(plan->Describe(), HasSubstr("share room for 499 tokens"));
}

TEST(MemoryPlan, MoreThanFitsBesideOneWholeSampleIsAnErrorThatSaysHowManyDo) {
  const uint64_t one_whole = 100 + 3 * kContext;
  ASSERT_TRUE(PlanMemory(Lines(), 5, kContext, one_whole + 5 * 13));
  const auto plan = PlanMemory(Lines(), 5, kContext, one_whole + 5 * 13 - 1);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kResourceLimit);
  EXPECT_THAT(plan.error().message, HasSubstr("at most 4 fit"));
}

TEST(MemoryPlan, WithoutANumberAsManyAsFitWithAQuarterOfTheirContextAreTaken) {
  constexpr uint64_t kQuarter = 13 + 3 * kContext / 4;
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 781)->concurrency, 1);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 781 + 13)->concurrency, 2);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 781 + 3 * 13)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 6 * kQuarter - 1)->concurrency, 5);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 6 * kQuarter)->concurrency, 6);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 1'000'000)->concurrency, 64);
  for (uint64_t budget = 100 + 781; budget < 20'000; budget += 97) {
    const auto plan = PlanMemory(Lines(), 0, kContext, budget);
    ASSERT_TRUE(plan);
    EXPECT_LE(plan->total(), budget);
    EXPECT_GE(plan->pool_tokens, kContext) << "one whole sample fits";
  }
}

TEST(MemoryPlan, NoPlaceIsTakenThatNoSampleNeeds) {
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 1'000'000, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, kContext, 1'000'000, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, kContext, 100 + 2 * 781, 2)->concurrency, 2);
  EXPECT_EQ(PlanMemory(Lines(), 3, kContext, 1'000'000, 4)->concurrency, 3);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, 100 + 781 + 13, 9)->concurrency, 2);
}

TEST(MemoryPlan, WeightsThatDoNotFitAreAnErrorWithAdvice) {
  for (const uint64_t budget : {0U, 99U, 100U, 880U}) {
    const auto plan = PlanMemory(Lines(), 0, kContext, budget);
    ASSERT_FALSE(plan) << budget;
    EXPECT_THAT(plan.error().message, HasSubstr("not even one sample fits"));
  }
}

TEST(MemoryPlan, CastOfServersTakesNothing) {
  const auto plan = PlanMemory({}, 500, kContext, 0);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 500);
  EXPECT_EQ(plan->total(), 0U);
}

TEST(MemoryPlan, DescriptionNamesEveryPart) {
  const std::string text = PlanMemory(Lines(), 2, kContext, 10'000)->Describe();
  for (const char* part : {"2 samples at a time", "context 256", "student", "teacher"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace tessy
