#include "select/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "base/random.h"

namespace tessy {
namespace {

std::vector<SampleCandidate> Candidates(size_t count) {
  std::vector<SampleCandidate> candidates;
  for (size_t i = 0; i < count; ++i) {
    candidates.push_back({.key = {.high = i, .low = i * i}, .count = 1 + HashBytes(std::to_string(i)) % 50});
  }
  return candidates;
}

// The rows by the key's upper half.
std::map<uint64_t, uint64_t> RowsByKey(const std::vector<SampleCandidate>& candidates,
                                       const SampleSize& size) {
  const auto sampled = SampleQuestions(candidates, size);
  EXPECT_TRUE(sampled);
  std::map<uint64_t, uint64_t> rows;
  for (const auto& one : *sampled) rows[candidates[one.candidate].key.high] = one.rows;
  return rows;
}

TEST(Sampling, TheChoiceDoesNotDependOnTheOrder) {
  auto candidates = Candidates(2000);
  const SampleSize size{.distinct = 370, .rows = 800, .seed = 7};
  const auto expected = RowsByKey(candidates, size);
  EXPECT_EQ(expected.size(), 370U);
  std::mt19937 random(3);
  for (int round = 0; round < 3; ++round) {
    std::shuffle(candidates.begin(), candidates.end(), random);
    EXPECT_EQ(RowsByKey(candidates, size), expected);
  }
  EXPECT_NE(RowsByKey(candidates, {.distinct = 370, .rows = 800, .seed = 8}), expected);
}

TEST(Sampling, ASmallerSampleIsPartOfALargerOne) {
  const auto candidates = Candidates(500);
  const auto large = RowsByKey(candidates, {.distinct = 200, .seed = 1});
  for (const auto& [key, rows] : RowsByKey(candidates, {.distinct = 50, .seed = 1})) {
    EXPECT_TRUE(large.contains(key));
    EXPECT_EQ(rows, 1U);
  }
}

TEST(Sampling, RowsAreInProportionToCounts) {
  const std::vector<SampleCandidate> candidates{{.key = {1, 1}, .count = 100},
                                                {.key = {2, 2}, .count = 50},
                                                {.key = {3, 3}, .count = 1},
                                                {.key = {4, 4}, .count = 40}};
  const auto rows = RowsByKey(candidates, {.rows = 20});
  EXPECT_EQ(rows, (std::map<uint64_t, uint64_t>{{1, 10}, {2, 5}, {3, 1}, {4, 4}}));
  EXPECT_EQ(RowsByKey(candidates, {.rows = 4}),
            (std::map<uint64_t, uint64_t>{{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
}

TEST(Sampling, AsManyRowsAsAskedForAndOneAtLeast) {
  const auto candidates = Candidates(300);
  for (const uint64_t asked : {300U, 301U, 777U, 5000U}) {
    const auto rows = RowsByKey(candidates, {.rows = asked});
    EXPECT_EQ(rows.size(), 300U);
    uint64_t sum = 0;
    for (const auto& [key, count] : rows) {
      sum += count;
      EXPECT_GE(count, 1U);
    }
    EXPECT_EQ(sum, asked);
  }
}

TEST(Sampling, FewerRowsThanQuestionsAreRefused) {
  const auto refused = SampleQuestions(Candidates(10), {.rows = 9});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("--rows 9: there are 10 distinct questions"));
  EXPECT_TRUE(SampleQuestions(Candidates(10), {.distinct = 9, .rows = 9}));
  EXPECT_THAT(*SampleQuestions({}, {.rows = 5}), testing::IsEmpty());
}

TEST(Sampling, TheResultIsInTheOrderOfTheCandidates) {
  const auto sampled = *SampleQuestions(Candidates(100), {.distinct = 30});
  EXPECT_TRUE(std::ranges::is_sorted(sampled, {}, &SampledQuestion::candidate));
}

}  // namespace
}  // namespace tessy
