#include "model/llama/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::HasSubstr;

constexpr size_t kContext = 256;

// 100 bytes of weights, 13 bytes a sample, and 3 bytes a token: 781 for a whole sample.
std::vector<MemoryPlan::Line> Lines() {
  return {{.what = "student", .ram = {.weights = 40, .cache_per_token = 1}},
          {.what = "teacher", .ram = {.weights = 50, .cache_per_token = 2}},
          {.what = "student predictor", .ram = {.weights = 10, .cache_per_sample = 13}}};
}

TEST(MemoryPlan, AllSamplesCanBeFullWhereThatFits) {
  const auto plan = PlanMemory(Lines(), 5, kContext, {.ram = 100 + 5 * 781});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 5);
  EXPECT_EQ(plan->pool_tokens, 5 * kContext);
  EXPECT_TRUE(plan->holds_all());
  EXPECT_EQ(plan->ram(), 100U + 5 * 781);
}

TEST(MemoryPlan, ConcurrencyAskedForIsKeptAndSharesWhatThereIs) {
  const auto plan = PlanMemory(Lines(), 5, kContext, {.ram = 100 + 2 * 781});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 5);
  EXPECT_FALSE(plan->holds_all());
  EXPECT_EQ(plan->pool_tokens, (2U * 781 - 5 * 13) / 3);
  EXPECT_LE(plan->ram(), plan->budget.ram);
  EXPECT_THAT(plan->Describe(), HasSubstr("share room for 499 tokens"));
}

TEST(MemoryPlan, MoreThanFitsBesideOneWholeSampleIsAnErrorThatSaysHowManyDo) {
  const uint64_t one_whole = 100 + 3 * kContext;
  ASSERT_TRUE(PlanMemory(Lines(), 5, kContext, {.ram = one_whole + 5 * 13}));
  const auto plan = PlanMemory(Lines(), 5, kContext, {.ram = one_whole + 5 * 13 - 1});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kResourceLimit);
  EXPECT_THAT(plan.error().message, HasSubstr("at most 4 fit"));
}

TEST(MemoryPlan, EveryEngineHoldsOneWholeSample) {
  const std::vector<MemoryPlan::Line> lines{{.what = "student", .ram = {.cache_per_token = 1}}};
  const auto plan = PlanMemory(lines, 600, kContext, {.ram = 3 * kContext});
  ASSERT_TRUE(plan) << "600 samples take three engines";
  EXPECT_EQ(plan->pool_tokens, 3 * kContext);
  const auto fewer = PlanMemory(lines, 600, kContext, {.ram = 3 * kContext - 1});
  ASSERT_FALSE(fewer);
  EXPECT_THAT(fewer.error().message, HasSubstr("at most 256 fit"));
  EXPECT_TRUE(PlanMemory(lines, 256, kContext, {.ram = kContext}));
}

TEST(MemoryPlan, WithoutANumberAsManyAsFitWithAQuarterOfTheirContextAreTaken) {
  constexpr uint64_t kQuarter = 13 + 3 * kContext / 4;
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 781})->concurrency, 1);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 781 + 13})->concurrency, 2);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 781 + 3 * 13})->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 6 * kQuarter - 1})->concurrency, 5);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 6 * kQuarter})->concurrency, 6);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 1'000'000})->concurrency, 64);
  for (uint64_t budget = 100 + 781; budget < 20'000; budget += 97) {
    const auto plan = PlanMemory(Lines(), 0, kContext, {.ram = budget});
    ASSERT_TRUE(plan);
    EXPECT_LE(plan->ram(), budget);
    EXPECT_GE(plan->pool_tokens, kContext) << "one whole sample fits";
  }
}

TEST(MemoryPlan, NoPlaceIsTakenThatNoSampleNeeds) {
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 1'000'000}, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, kContext, {.ram = 1'000'000}, 4)->concurrency, 4);
  EXPECT_EQ(PlanMemory(Lines(), 8, kContext, {.ram = 100 + 2 * 781}, 2)->concurrency, 2);
  EXPECT_EQ(PlanMemory(Lines(), 3, kContext, {.ram = 1'000'000}, 4)->concurrency, 3);
  EXPECT_EQ(PlanMemory(Lines(), 0, kContext, {.ram = 100 + 781 + 13}, 9)->concurrency, 2);
}

TEST(MemoryPlan, WeightsThatDoNotFitAreAnErrorWithAdvice) {
  for (const uint64_t budget : {0U, 99U, 100U, 880U}) {
    const auto plan = PlanMemory(Lines(), 0, kContext, {.ram = budget});
    ASSERT_FALSE(plan) << budget;
    EXPECT_THAT(plan.error().message, HasSubstr("not even one sample fits"));
  }
}

TEST(MemoryPlan, CastOfServersTakesNothing) {
  const auto plan = PlanMemory({}, 500, kContext, {.ram = 0});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->concurrency, 500);
  EXPECT_EQ(plan->ram(), 0U);
}

// The teacher on a card: 50 bytes of weights and 2 bytes a token there, 50, 13 a sample and 1 a token here.
std::vector<MemoryPlan::Line> LinesWithACard() {
  auto lines = Lines();
  std::swap(lines[1].ram, lines[1].device);
  return lines;
}

TEST(MemoryPlan, PoolFitsTheSmallerOfBothPlaces) {
  const MemoryPlan::Budget plenty{.ram = 1'000'000, .device = 1'000'000};
  EXPECT_TRUE(PlanMemory(LinesWithACard(), 5, kContext, plenty)->holds_all());
  const auto by_card = PlanMemory(LinesWithACard(), 5, kContext, {.ram = 1'000'000, .device = 50 + 2 * 300});
  ASSERT_TRUE(by_card);
  EXPECT_EQ(by_card->pool_tokens, 300U);
  EXPECT_EQ(by_card->device(), by_card->budget.device);
  EXPECT_EQ(by_card->ram(), 50U + 5 * 13 + 300);
  const auto by_ram =
      PlanMemory(LinesWithACard(), 5, kContext, {.ram = 50 + 5 * 13 + 270, .device = 1'000'000});
  ASSERT_TRUE(by_ram);
  EXPECT_EQ(by_ram->pool_tokens, 270U);
  EXPECT_THAT(by_ram->Describe(), HasSubstr("on the device: teacher 0.0 KiB + 0.5 KiB"));
}

TEST(MemoryPlan, CardThatHoldsNoWholeSampleIsAnError) {
  const auto plan =
      PlanMemory(LinesWithACard(), 0, kContext, {.ram = 1'000'000, .device = 50 + 2 * kContext - 1});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("not even one sample fits"));
  EXPECT_TRUE(PlanMemory(LinesWithACard(), 0, kContext, {.ram = 1'000'000, .device = 50 + 2 * kContext}));
  EXPECT_TRUE(PlanMemory(LinesWithACard(), 0, kContext, {.ram = 1'000'000, .device = UINT64_MAX}));
  const std::vector<MemoryPlan::Line> weights{{.what = "student", .device = {.weights = 50}}};
  EXPECT_FALSE(PlanMemory(weights, 0, kContext, {.ram = 1'000'000, .device = 49}));
  EXPECT_TRUE(PlanMemory(weights, 0, kContext, {.ram = 1'000'000, .device = 50}));
}

TEST(MemoryPlan, DescriptionNamesEveryPart) {
  const std::string text = PlanMemory(Lines(), 2, kContext, {.ram = 10'000})->Describe();
  for (const char* part : {"2 samples at a time", "context 256", "student", "teacher"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace tessy
