#include "model/llama/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::HasSubstr;

// 100 bytes of weights, and 13 bytes a sample.
std::vector<MemoryPlan::Line> Lines() {
  return {{.what = "student", .weights = 40, .cache_per_sample = 10},
          {.what = "teacher", .weights = 60, .cache_per_sample = 3}};
}

TEST(MemoryPlan, ConcurrencyAskedForIsKeptWhereItFits) {
  const auto plan = PlanMemory(Lines(), 5, 256, 165);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 5);
  EXPECT_EQ(plan->total(), 165U);
}

TEST(MemoryPlan, MoreThanFitsIsAnErrorThatSaysHowManyDo) {
  const auto plan = PlanMemory(Lines(), 5, 256, 164);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kResourceLimit);
  EXPECT_THAT(plan.error().message, HasSubstr("at most 4 would fit"));
}

TEST(MemoryPlan, WithoutANumberAsManyAsFitAreTaken) {
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 113)->concurrency, 1);
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 125)->concurrency, 1);
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 126)->concurrency, 2);
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 1'000'000)->concurrency, 64);
}

TEST(MemoryPlan, NoPlaceIsTakenThatNoSampleNeeds) {
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 1'000'000, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, 256, 1'000'000, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, 256, 126, 2)->concurrency, 2) << "8 would not fit, and 2 do";
  EXPECT_EQ(PlanMemory(Lines(), 3, 256, 1'000'000, 4)->concurrency, 3);
  EXPECT_EQ(PlanMemory(Lines(), 0, 256, 126, 4)->concurrency, 2);
}

TEST(MemoryPlan, WeightsThatDoNotFitAreAnErrorWithAdvice) {
  for (const uint64_t budget : {0U, 99U, 100U, 112U}) {
    const auto plan = PlanMemory(Lines(), 0, 256, budget);
    ASSERT_FALSE(plan) << budget;
    EXPECT_THAT(plan.error().message, HasSubstr("not even one sample fits"));
  }
}

TEST(MemoryPlan, CastOfServersTakesNothing) {
  const auto plan = PlanMemory({}, 500, 256, 0);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 500);
  EXPECT_EQ(plan->total(), 0U);
}

TEST(MemoryPlan, DescriptionNamesEveryPart) {
  const std::string text = PlanMemory(Lines(), 2, 256, 1000)->Describe();
  for (const char* part : {"2 samples at a time", "context 256", "student", "teacher"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace tessy
