#include "train/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tessy {
namespace {

using testing::ElementsAre;

std::vector<size_t> Lengths(size_t count) {
  std::vector<size_t> lengths;
  for (size_t i = 0; i < count; ++i) lengths.push_back(1 + i * 37 % 101);
  return lengths;
}

TEST(BatchesTest, EveryExampleComesOnce) {
  for (const size_t count : {0, 1, 7, 32, 33, 1000}) {
    const auto batches = BatchesOf(Lengths(count), 8, 1, 0);
    std::set<size_t> seen;
    size_t sum = 0;
    for (const auto& batch : batches) {
      EXPECT_LE(batch.size(), 8U);
      seen.insert(batch.begin(), batch.end());
      sum += batch.size();
    }
    EXPECT_EQ(batches.size(), (count + 7) / 8);
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(sum, count);
  }
}

TEST(BatchesTest, DependOnSeedAndEpochAlone) {
  const auto lengths = Lengths(200);
  EXPECT_EQ(BatchesOf(lengths, 8, 1, 2), BatchesOf(lengths, 8, 1, 2));
  EXPECT_NE(BatchesOf(lengths, 8, 1, 2), BatchesOf(lengths, 8, 1, 3));
  EXPECT_NE(BatchesOf(lengths, 8, 1, 2), BatchesOf(lengths, 8, 2, 2));
}

TEST(BatchesTest, LikeLengthsComeTogetherButNotInOrder) {
  const auto lengths = Lengths(1024);
  const auto batches = BatchesOf(lengths, 8, 1, 0);
  size_t padded = 0;
  std::vector<size_t> longest;
  for (const auto& batch : batches) {
    size_t most = 0;
    for (const size_t i : batch) most = std::max(most, lengths[i]);
    for (const size_t i : batch) padded += most - lengths[i];
    longest.push_back(most);
  }
  size_t tokens = 0;
  for (const size_t length : lengths) tokens += length;
  EXPECT_LT(padded, tokens / 10);
  EXPECT_FALSE(std::is_sorted(longest.begin(), longest.end()));
}

TEST(MicroBatchesTest, FillUpToTheLimitPaddingCounted) {
  const std::vector<size_t> lengths{3, 10, 4, 4, 50};
  EXPECT_THAT(MicroBatchesOf(lengths, {0, 1, 2, 3, 4}, 20),
              ElementsAre(ElementsAre(4), ElementsAre(1, 2), ElementsAre(3, 0)));
  EXPECT_THAT(MicroBatchesOf(lengths, {0, 1}, 1), ElementsAre(ElementsAre(1), ElementsAre(0)));
  EXPECT_THAT(MicroBatchesOf(lengths, {0, 1}, 20), ElementsAre(ElementsAre(1, 0)));
}

TEST(RateTest, RisesThenStaysOrFallsToItsFloor) {
  const RateSchedule constant{.steps = 10, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(RateAt(constant, 0), 0.25);
  EXPECT_DOUBLE_EQ(RateAt(constant, 3), 1.0);
  EXPECT_DOUBLE_EQ(RateAt(constant, 9), 1.0);
  const RateSchedule cosine{.steps = 11, .warmup_steps = 0, .cosine = true, .floor = 0.1};
  EXPECT_DOUBLE_EQ(RateAt(cosine, 0), 1.0);
  EXPECT_NEAR(RateAt(cosine, 5), 0.55, 1e-12);
  EXPECT_NEAR(RateAt(cosine, 10), 0.1, 1e-12);
  EXPECT_NEAR(RateAt({.steps = 1, .warmup_steps = 0, .cosine = true, .floor = 0.0}, 0), 0.0, 1e-12);
  EXPECT_DOUBLE_EQ(RateAt({.steps = 2, .warmup_steps = 5, .cosine = true, .floor = 0.0}, 1), 0.4);
}

}  // namespace
}  // namespace tessy
