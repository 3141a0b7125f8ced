#include "dataset/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tessy {
namespace {

using testing::StartsWith;

TEST(Decision, TheOnlyFieldThatIsTrueOrFalseDecides) {
  const Decision yes{.id = "q", .suits = true, .reason = "it asks for a program"};
  EXPECT_EQ(ReadDecision("q", R"({"contest": true, "reason": " it asks for a program "})"), yes);
  EXPECT_EQ(ReadDecision("q", "```json\n{\"reason\":\"it asks for a program\",\"suits\":true,\"n\":3}\n```"),
            yes);
  const auto no = ReadDecision("q", R"({"contest":false,"reason":"a proof"})");
  ASSERT_TRUE(no) << no.error().message;
  EXPECT_FALSE(no->suits);
}

TEST(Decision, WhatCannotBeUsedHasItsReason) {
  const std::string deep(2000, '[');
  for (const auto& [answer, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "not_json: "},
           {"Yes.", "not_json: the answer is \"Yes.\""},
           {R"(So: {"contest":true,"reason":"x"})", "not_json: "},
           {R"([true])", "not_an_object: the answer is a list"},
           {R"({"reason":"x"})", "no_decision: "},
           {R"({"contest":"true","reason":"x"})", "no_decision: "},
           {R"({"contest":true,"code":false,"reason":"x"})", "several_decisions: 2 "},
           {R"({"contest":true})", "no_reason: "},
           {R"({"contest":true,"reason":"  "})", "no_reason: "},
           {"{\"contest\":true,\"reason\":\"\xFF\"}", "bad_utf8: "},
           {deep, "not_json: "},
           {std::string(70'000, 'x'), "too_long: "}}) {
    const auto decision = ReadDecision("q", answer);
    ASSERT_FALSE(decision) << answer;
    EXPECT_THAT(decision.error().message, StartsWith(reason));
  }
}

TEST(Decision, LinesAreReadAsTheyWereWritten) {
  const Decision decision{
      .id = "q-1", .suits = false, .reason = "\"quoted\"\nand broken", .teacher = "m.gguf", .prompt = "0f"};
  EXPECT_EQ(ParseDecision(ToJsonLine(decision)), decision);
  for (const char* line : {"", "[]", R"({"id":"q"})", R"({"id":"q","suits":1})", R"({"suits":true})"}) {
    EXPECT_FALSE(ParseDecision(line)) << line;
  }
  const auto undecided = ParseUndecided(
      ToJsonLine(Undecided{.id = "q", .reason = "not_json", .reasons = {"a: b", "c: d"}, .text_end = "e"}));
  ASSERT_TRUE(undecided) << undecided.error().message;
  EXPECT_EQ(undecided->reasons, (std::vector<std::string>{"a: b", "c: d"}));
  EXPECT_EQ(undecided->text_end, "e");
  EXPECT_FALSE(ParseUndecided(R"({"reason":"x"})"));
}

}  // namespace
}  // namespace tessy
