#include "synthesis/prompt.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(FillIn, EveryPlaceGetsItsValue) {
  EXPECT_EQ(FillIn("{a}, {b} and {a}", {{"{a}", "1"}, {"{b}", "2"}}), "1, 2 and 1");
  EXPECT_EQ(FillIn("{b}{a}", {{"{a}", "1"}, {"{b}", "2"}}), "21");
}

TEST(FillIn, PlacesInsideValuesStay) {
  EXPECT_EQ(FillIn("{a}|{b}", {{"{a}", "{b}"}, {"{b}", "{a}"}}), "{b}|{a}");
}

TEST(FillIn, TextWithoutPlacesStays) {
  EXPECT_EQ(FillIn("{c} a", {{"{a}", "1"}}), "{c} a");
  EXPECT_EQ(FillIn("", {{"{a}", "1"}}), "");
}

}  // namespace
}  // namespace tessy
