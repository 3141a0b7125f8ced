#include "select/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace tessy {
namespace {

using testing::ElementsAre;

TEST(Variants, TextsWithOtherNumbersAreKept) {
  // words 1 is a formula with three lists of numbers.
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {1, 11}, {1, 12}}), ElementsAre(0, 1, 2));
}

TEST(Variants, TextsWithOtherWordsBelongToTheFirstOrToTheOneWithTheirNumbers) {
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {2, 10}, {3, 99}}), ElementsAre(0, 0, 0));
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {1, 11}, {2, 11}}), ElementsAre(0, 1, 1));
}

TEST(Variants, AVariantStandsForTheTextOfWhichItIsNoVariant) {
  // The second is the first with other words; the third is the second with other numbers.
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {2, 10}, {2, 11}}), ElementsAre(1, 1, 2));
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {2, 12}, {2, 11}, {1, 11}}),
              ElementsAre(0, 1, 2, 2));
}

TEST(Variants, ATextThatIsNoVariantDoesNotStandForOne) {
  // The first has numbers of its own, and is kept only where no formula is.
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{9, 99}, {1, 10}, {1, 11}}), ElementsAre(1, 1, 2));
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{9, 11}, {1, 10}, {1, 11}}), ElementsAre(2, 1, 2));
}

TEST(Variants, WhatBelongsTogetherDoesNotDependOnTheOrder) {
  std::vector<NumbersApart> cluster{{1, 10}, {1, 11}, {2, 11}, {2, 12}, {3, 10}, {4, 77}, {5, 78}, {1, 10}};
  const auto groups = [&] {
    const auto stand_ins = StandInsOf(cluster);
    std::map<size_t, std::multiset<std::pair<uint64_t, uint64_t>>> by_stand_in;
    for (size_t i = 0; i < cluster.size(); ++i) {
      EXPECT_EQ(stand_ins[stand_ins[i]], stand_ins[i]);
      by_stand_in[stand_ins[i]].emplace(cluster[i].words, cluster[i].numbers);
    }
    std::set<std::multiset<std::pair<uint64_t, uint64_t>>> sets;
    for (auto& [stand_in, texts] : by_stand_in) sets.insert(std::move(texts));
    return sets;
  };
  const auto expected = groups();
  EXPECT_EQ(expected.size(), 3U);
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(cluster.begin(), cluster.end(), random);
    ASSERT_EQ(groups(), expected);
  }
}

TEST(Variants, AVariantNamesTheFirstKeptTextWithItsWords) {
  const std::vector<NumbersApart> cluster{{1, 10}, {2, 12}, {2, 11}, {1, 11}, {2, 13}};
  const auto stand_ins = StandInsOf(cluster);
  EXPECT_THAT(stand_ins, ElementsAre(0, 1, 2, 2, 4));
  EXPECT_THAT(FirstVariantsOf(cluster, stand_ins), ElementsAre(0, 1, 1, 3, 1));
}

TEST(Variants, OneTextStandsForItself) {
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 1}}), ElementsAre(0));
}

}  // namespace
}  // namespace tessy
