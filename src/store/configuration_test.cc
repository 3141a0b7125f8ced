#include "store/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(DifferenceTest, EqualSettingsDoNotDiffer) {
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"k":20})", R"({"seed":1,"k":20})"), "");
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"k":20})", R"({ "k": 20, "seed": 1 })"), "");
  EXPECT_EQ(DifferenceOf(R"({"temperature":0.7})", R"({"temperature":0.70})"), "");
}

TEST(DifferenceTest, EachDifferenceIsShown) {
  EXPECT_EQ(DifferenceOf(R"({"seed":1})", R"({"seed":2})"), "seed 1 -> 2");
  EXPECT_EQ(DifferenceOf(R"({"seed":1,"cut":"auto"})", R"({"seed":2,"cut":"token"})"),
            "seed 1 -> 2, cut auto -> token");
  EXPECT_EQ(DifferenceOf(R"({"exact":false})", R"({"exact":true})"), "exact false -> true");
}

TEST(DifferenceTest, WhatIsThereOnOneSideOnlyIsShown) {
  EXPECT_EQ(DifferenceOf(R"({"draft":"rollback","k":20})", R"({"draft":"stop"})"),
            "draft rollback -> stop, k 20 -> (none)");
  EXPECT_EQ(DifferenceOf(R"({})", R"({"k":20})"), "k (none) -> 20");
  EXPECT_EQ(DifferenceOf(R"({"k":20})", R"({})"), "k 20 -> (none)");
}

TEST(DifferenceTest, NestedSettingsHaveTheirPath) {
  EXPECT_EQ(DifferenceOf(R"({"student":{"file":"a.gguf","fingerprint":"1"}})",
                         R"({"student":{"file":"b.gguf","fingerprint":"1"}})"),
            "student/file a.gguf -> b.gguf");
}

TEST(DifferenceTest, LongValuesAreShortened) {
  const std::string value(500, 'x');
  const std::string shown = DifferenceOf(R"({"a":")" + value + R"("})", R"({"a":1})");
  EXPECT_THAT(shown, testing::EndsWith("… -> 1"));
  EXPECT_LT(shown.size(), 100U);
}

TEST(DifferenceTest, DamagedRecordIsSaid) {
  EXPECT_EQ(DifferenceOf("{\"seed\":", R"({"seed":1})"), "its config.json is damaged");
  EXPECT_EQ(DifferenceOf("[1]", R"({"seed":1})"), "its config.json is damaged");
}

}  // namespace
}  // namespace tessy
