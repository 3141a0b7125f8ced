#include "model/openai/json_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

std::string Deep(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ServerJsonTest, WhatNestsDeeplyIsNotParsed) {
  EXPECT_TRUE(ParseServerJson(Deep(200)).is_array());
  EXPECT_TRUE(ParseServerJson(Deep(201)).is_discarded());
  EXPECT_TRUE(ParseServerJson("{\"a\":" + Deep(1'000'000) + "}").is_discarded());
  EXPECT_TRUE(ParseServerJson(std::string(1'000'000, '{')).is_discarded());
  EXPECT_EQ(ParseServerJson(R"({"a":"[[[["})")["a"], "[[[[");
}

TEST(ServerJsonTest, WhatIsNoJsonIsDiscardedAndNeverThrows) {
  for (const char* bad : {"", "{", "nul", "{\"a\":1e999}", "\xFF", "\"\\ud83\"", "\\ud83d", "NaN"}) {
    EXPECT_TRUE(ParseServerJson(bad).is_discarded()) << bad;
  }
}

TEST(ServerJsonTest, HalvesOfPairsBecomeReplacements) {
  EXPECT_EQ(ParseServerJson(R"("a\ud83d")"), "a\uFFFD");
  EXPECT_EQ(ParseServerJson(R"("\ude00b")"), "\uFFFDb");
  EXPECT_EQ(ParseServerJson(R"("\ud83d\ud83d\ude00")"), "\uFFFD\U0001F600");
  EXPECT_EQ(ParseServerJson(R"("\ud83d\ude00")"), "\U0001F600");
  EXPECT_EQ(ParseServerJson(R"("\\ud83d")"), "\\ud83d");
  EXPECT_EQ(ParseServerJson(R"("\ud83d\n")"), "\uFFFD\n");
  EXPECT_EQ(ParseServerJson(R"("\uD83Dx\u00e4")"), "\uFFFDxä");
}

TEST(ServerJsonTest, MembersOfAnotherTypeAreNotThere) {
  const Json json =
      Json::parse(R"({"text":"t","truth":true,"ids":{},"null":null,"list":[[]],"minus":-3,"half":1.5})");
  for (const char* key : {"truth", "ids", "null", "list", "minus", "half", "missing"}) {
    EXPECT_EQ(TextOf(json, key), "") << key;
  }
  for (const char* key : {"text", "truth", "ids", "null", "list", "minus", "half", "missing"}) {
    EXPECT_EQ(NumberOf(json, key), 0U) << key;
    EXPECT_EQ(CountOf(json, key), -1) << key;
    EXPECT_THAT(IdsOf(json, key), IsEmpty()) << key;
    EXPECT_EQ(IsTrue(json, key), key == std::string("truth")) << key;
  }
  EXPECT_EQ(NumberOf(Json{{"real", 4096.0}}, "real"), 4096U);
}

TEST(ServerJsonTest, NumbersThatFitNoTypeDoNotWrap) {
  const Json json =
      Json::parse(R"({"ids":[7,4294967303,-1,-9223372036854775808,18446744073709551615,2147483647,"a",1.5],)"
                  R"("most":18446744073709551615,"minus":-9223372036854775808,"huge":1e300})");
  EXPECT_THAT(IdsOf(json, "ids"), ElementsAre(7, -1, -1, -1, -1, 2147483647));
  EXPECT_EQ(CountOf(json, "most"), INT64_MAX);
  EXPECT_EQ(CountOf(json, "minus"), -1);
  EXPECT_EQ(CountOf(json, "huge"), -1);
  EXPECT_EQ(CountOf(json, "none"), -1);
  EXPECT_EQ(NumberOf(json, "huge"), 0U);
}

}  // namespace
}  // namespace tessy
