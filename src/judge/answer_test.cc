#include "judge/answer.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

struct Case {
  const char* answer;
  const char* expected;
  bool right;
};

TEST(AnswerTest, ComparesByWhatIsExpected) {
  constexpr Case kCases[] = {
      {"the answer is 8", "8", true},
      {"the answer is 8.", "8", true},
      {"the answer is 18", "8", false},
      {"8 is not it, 9 is", "8", false},
      {"reverse : 12 10 7", "12 10 7", true},
      {"reverse : 12 10 7", "12 7 10", false},
      {"12", "12 10", false},
      {"so \\boxed{42} (checked 7 times)", "42", true},
      {"\\boxed{\\frac{3}{4}}", "0.75", true},
      {"\\boxed{3/4}", "\\frac{3}{4}", true},
      {"It is -3.", "-3", true},
      {"5-3", "3", true},
      {"about 1,250 of them", "1250", true},
      {"1,2", "2", true},
      {"x = 0.5", "1/2", true},
      {"", "8", false},
      {"3/0", "8", false},
      {"The answer is (C).", "C", true},
      {"The answer is C", "C", true},
      {"B, not C. I mean B", "B", true},
      {"A guess", "A", false},
      {"**D**", "D", true},
      {"CAD", "D", false},
      {"\\boxed{B}, since C fails", "B", true},
      {"thus\n$x^2 + 1$.", "x^2+1", true},
      {"\\boxed{x^{2}+1}", "x^{2} + 1", true},
      {"Paris", "paris", true},
      {"Paris", "London", false},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(IsRightAnswer(c.answer, c.expected), c.right) << c.answer << " for " << c.expected;
  }
}

TEST(AnswerTest, SaysWhatItCompares) {
  EXPECT_EQ(ExtractAnswer("the answer is 8", "9"), "8");
  EXPECT_EQ(ExtractAnswer("nothing", "9"), "");
  EXPECT_EQ(ExtractAnswer("(B)", "A"), "B");
}

TEST(AnswerTest, IsReadFromAQuestionsRow) {
  EXPECT_EQ(ExpectedAnswer(R"({"answer":"8","task":"CODE"})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"answer":8})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"answer":null})"), std::nullopt);
  EXPECT_EQ(ExpectedAnswer(""), std::nullopt);
}

}  // namespace
}  // namespace tessy
