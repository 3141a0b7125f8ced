#include "base/json_depth.h"

#include <gtest/gtest.h>

#include <string>

namespace tessy {
namespace {

TEST(JsonDepthTest, ListsAndObjectsAreCounted) {
  EXPECT_FALSE(NestsDeeperThan("", 0));
  EXPECT_FALSE(NestsDeeperThan("7", 0));
  EXPECT_TRUE(NestsDeeperThan("[]", 0));
  EXPECT_FALSE(NestsDeeperThan(R"({"a":[1,{}],"b":[[]]})", 3));
  EXPECT_TRUE(NestsDeeperThan(R"({"a":[1,{}],"b":[[]]})", 2));
  EXPECT_FALSE(NestsDeeperThan("[][][][]", 1));
}

TEST(JsonDepthTest, BracketsInStringsDoNotCount) {
  EXPECT_FALSE(NestsDeeperThan(R"({"a":"[[[[","b":"\"[[[["})", 1));
  EXPECT_TRUE(NestsDeeperThan(R"({"a":"\\","b":[]})", 1));
}

TEST(JsonDepthTest, AnyTextHasAnAnswer) {
  EXPECT_TRUE(NestsDeeperThan(std::string(1'000'000, '['), kNestingMax));
  EXPECT_FALSE(NestsDeeperThan("]]]]]]", 0));
  EXPECT_FALSE(NestsDeeperThan("\"\\", 0));
}

}  // namespace
}  // namespace tessy
