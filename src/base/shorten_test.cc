#include "base/shorten.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/utf8.h"

namespace tessy {
namespace {

TEST(ShortenTest, WhatIsShortStaysAndWhatIsLongEndsInAWholeCharacter) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc…");
  EXPECT_EQ(Shortened("aä€", 4), "aä…");
  EXPECT_EQ(Shortened("", 0), "");
}

TEST(ShortenTest, AListNamesTheFirstAndCountsTheRest) {
  const std::vector<std::string> names{"a", "b", std::string(1000, 'c')};
  EXPECT_EQ(ListShortened(names, 2), "a, b, and 1 more");
  EXPECT_LT(ListShortened(names, 3).size(), 100U);
  EXPECT_EQ(ListShortened({}, 3), "");
}

TEST(ShortenTest, ALongLineKeepsBeginAndEnd) {
  EXPECT_EQ(LineShortened("short"), "short");
  std::string line = "begin ";
  for (int i = 0; i < 100'000; ++i) line += "ä";
  line += " end";
  const std::string shown = LineShortened(line);
  EXPECT_LT(shown.size(), 3'000U);
  EXPECT_TRUE(shown.starts_with("begin "));
  EXPECT_TRUE(shown.ends_with(" end"));
  EXPECT_TRUE(IsValidUtf8(shown));
}

}  // namespace
}  // namespace tessy
