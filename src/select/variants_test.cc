#include "select/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Variants, AVariantOfATextThatIsNotKeptIsKept) {
  // The second is the first with other words; the third is the second with other numbers.
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {2, 10}, {2, 11}}), ElementsAre(0, 0, 2));
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 10}, {2, 12}, {2, 11}, {1, 11}}),
              ElementsAre(0, 1, 2, 2));
}

TEST(Variants, OneTextStandsForItself) {
  EXPECT_THAT(StandInsOf(std::vector<NumbersApart>{{1, 1}}), ElementsAre(0));
}

}  // namespace
}  // namespace tessy
