#include "judge/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
      {"417", "4 1 7", false},
      {"the answer is 1 2 10 7", "12 10 7", false},
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

TEST(AnswerTest, TheSentenceThatNamesTheAnswerCounts) {
  constexpr Case kCases[] = {
      {"The train travels **180 kilometres** in 3 hours.", "180", true},
      {"The train travels **180 kilometres** in 3 hours.", "3", false},
      {"The answer is 8 apples, from 2 baskets.", "8", true},
      {"The answer is 8 apples, from 2 baskets.", "2", false},
      {"The answer is 5 + 3 = 8.", "8", true},
      {"Answer: 42 (since 6*7 = 42, in 3 steps)", "42", true},
      {"**Answer:** 42", "42", true},
      {"The answer is: **42**, after 7 tries", "42", true},
      {"Final Answer: The final answer is $3$. I hope it is correct.", "3", true},
      {"So 7 remain.\n#### 1,234", "1234", true},
      {"#### Step 2: add\nThe sum is 9", "9", true},
      {"The answer is not 5. It must be 6", "6", true},
      {"The answer is clear. It is 12", "12", true},
      {"The answer is Yes.", "yes", true},
      {"Yes, because it is even.", "Yes", true},
      {"The roots are 3 and 5.", "5, 3", true},
      {"the answer is 9 4 1 7", "4 1 7", true},
      {"the answer is 4 1 7", "4 7 1", false},
      {"2^{10}", "1024", true},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(IsRightAnswer(c.answer, c.expected), c.right) << c.answer << " for " << c.expected;
  }
}

TEST(AnswerTest, BoxesCount) {
  constexpr Case kCases[] = {
      {"\\fbox{7}", "7", true},
      {"\\boxed{\\boxed{7}}", "7", true},
      {"\\boxed{3}, \\boxed{5}", "5, 3", true},
      {"$\\boxed{3}$ and $\\boxed{5}$", "3, 5", true},
      {"\\boxed{3} is wrong and \\boxed{5} is right", "3, 5", false},
      {"\\boxed{3} is wrong and \\boxed{5} is right", "5", true},
      {"\\boxed{3}\n\nAnswer: 5", "5", true},
      {"\\boxed{3}\n\nAnswer: see above", "3", true},
      {"\\boxed{7", "7", false},
      {"\\boxed{15 red balls}", "15", true},
      {"\\boxed{15 red and 4 blue balls}", "15", false},
      {"\\boxed{15 red and 4 blue balls}", "4", false},
      {"<think>\\boxed{8}", "8", false},
      {"<think>\\boxed{9}</think>\\boxed{8}", "8", true},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(IsRightAnswer(c.answer, c.expected), c.right) << c.answer << " for " << c.expected;
  }
}

TEST(AnswerTest, BenchmarksThatAskForABoxCountNothingElse) {
  const ComparisonRules marked{.marked_only = true};
  EXPECT_FALSE(JudgeAnswer("The answer is 8.", "8", marked).right);
  EXPECT_TRUE(JudgeAnswer("The answer is \\boxed{8}.", "8", marked).right);
  EXPECT_FALSE(JudgeAnswer("It is B, I think", "B", marked).right);
  EXPECT_TRUE(JudgeAnswer("Answer: B", "B", marked).right);
}

TEST(AnswerTest, ASolutionIsAnExpectedAnswerToo) {
  EXPECT_TRUE(IsRightAnswer("8", "5+3=<<5+3=8>>8 apples.\n#### 8"));
  EXPECT_FALSE(IsRightAnswer("5", "5+3=<<5+3=8>>8 apples.\n#### 8"));
  EXPECT_TRUE(IsRightAnswer("8", "We add 5 and 3 and get $\\boxed{8}$ in 1 step."));
}

// Whatever a model writes, it ends soon and with a verdict. What it may cost is counted, see MathWork.
// Sides in sides: each is read once, or the time would double with every level.
TEST(AnswerTest, ChainsInChainsAreReadOnce) {
  std::string text(300, 'a');
  for (int level = 0; level < 40; ++level) text = "{" + text + "}=5=5";
  EXPECT_FALSE(IsRightAnswer("\\boxed{" + text + "}", "8"));
}

TEST(AnswerTest, HostileTextsEndWithAVerdict) {
  for (const std::string piece : {"(",
                                  "{",
                                  "\\boxed{",
                                  "\\frac{",
                                  "\\text{",
                                  "-",
                                  "1+",
                                  "1,",
                                  "\\{",
                                  "|",
                                  "x^",
                                  "x^{",
                                  "\\sin ",
                                  "\\sqrt[",
                                  "**",
                                  "$",
                                  "answer is ",
                                  "<|",
                                  "\\begin{pmatrix}",
                                  "\\\\",
                                  "=",
                                  "\\pm",
                                  "(1,",
                                  "((x<y)<",
                                  "!",
                                  "(n!)",
                                  "\\cup",
                                  "\xff",
                                  "\xe2\x88",
                                  "1,000,",
                                  "####",
                                  "<think>",
                                  "</think>",
                                  "\\binom{n}{999}"}) {
    std::string many;
    while (many.size() < 1000) many += piece;
    for (const std::string& text : {many, "\\boxed{" + many + "}", "\\boxed{1" + many + "1}"}) {
      for (const char* expected : {"8", "x^2+n!", "A", "4 1 7"}) {
        EXPECT_FALSE(IsRightAnswer(text, expected)) << piece << " for " << expected;
        IsRightAnswer(expected, text);
      }
    }
  }
  EXPECT_FALSE(IsRightAnswer("\\boxed{10^{10^{10}}+1}", "10^{10^{10}}"));
  EXPECT_TRUE(IsRightAnswer("\\boxed{10^{10^{10}}+1}", "1+10^{10^{10}}"));
}

TEST(AnswerTest, SaysWhatItCompares) {
  EXPECT_EQ(ExtractAnswer("the answer is 8", "9"), "8");
  EXPECT_EQ(ExtractAnswer("nothing", "9"), "");
  EXPECT_EQ(ExtractAnswer("(B)", "A"), "B");
  EXPECT_EQ(ExtractAnswer("The train travels **180 kilometres** in 3 hours", "180"), "180 kilometres");
  EXPECT_EQ(ExtractAnswer("\\boxed{\\frac12}", "3"), "\\frac12");
}

TEST(AnswerTest, IsReadFromAQuestionsRow) {
  EXPECT_EQ(ExpectedAnswer(R"({"answer":"8","task":"CODE"})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"answer":8})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"answer":[8]})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"meta":{"answer":9},"answer":["8"],"list":[[1,{"answer":7}]]})"), "8");
  EXPECT_EQ(ExpectedAnswer(R"({"answer":12345678901234567890123})"), "12345678901234567890123");
  EXPECT_EQ(
      ExpectedAnswer("{\"deep\":" + std::string(100'000, '[') + std::string(100'000, ']') + ",\"answer\":8}"),
      "8");
}

TEST(AnswerTest, ShapesThatCannotBeComparedAreRefused) {
  const auto message = [](const char* row) {
    const auto answer = ExpectedAnswer(row);
    return answer ? "no error, but " + *answer : answer.error().message;
  };
  EXPECT_THAT(message(R"({"answer":null})"), testing::HasSubstr("has no \"answer\""));
  EXPECT_THAT(message(""), testing::HasSubstr("has no \"answer\""));
  EXPECT_THAT(message(R"({"answer":" "})"), testing::HasSubstr("empty"));
  EXPECT_THAT(message(R"({"answer":[]})"), testing::HasSubstr("empty"));
  EXPECT_THAT(message(R"({"answer":[""]})"), testing::HasSubstr("empty"));
  EXPECT_THAT(message(R"({"answer":["8","9"]})"), testing::HasSubstr("list of several"));
  EXPECT_THAT(message(R"({"answer":[["8"]]})"), testing::HasSubstr("list of several"));
  EXPECT_THAT(message(R"({"answer":{"value":8}})"), testing::HasSubstr("object"));
  EXPECT_THAT(message(R"({"answer":[{"value":8}]})"), testing::HasSubstr("object"));
  EXPECT_THAT(message(R"({"answer":true})"), testing::HasSubstr("true or false"));
}

}  // namespace
}  // namespace tessy
