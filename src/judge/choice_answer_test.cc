#include "judge/choice_answer.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(ChoiceAnswerTest, AnExpectedChoiceMayBeDressed) {
  for (const char* expected :
       {"C", "(C)", "\\text{(C)}", "\\text{C}", "**C**", "\\boxed{C}", "C.", " C ", "$C$"}) {
    EXPECT_EQ(ChoiceOf(expected), 'C') << expected;
  }
  for (const char* expected : {"c", "K", "CD", "C, D", "5", "", "Carbon", "C = 5", "2C", "A B"}) {
    EXPECT_EQ(ChoiceOf(expected), '\0') << expected;
  }
}

TEST(ChoiceAnswerTest, TheMarkComesBeforeTheBoxAndTheBoxBeforeThePhrase) {
  const auto choice = [](const char* text) { return ChoiceIn(text, 'D', ChoiceRule::kMarked); };
  EXPECT_EQ(choice("The answer is A. \\boxed{B}\nAnswer: C"), 'C');
  EXPECT_EQ(choice("The answer is A. \\boxed{\\text{(B)}}"), 'B');
  EXPECT_EQ(choice("The answer is option (A)."), 'A');
  EXPECT_EQ(choice("Answer: A or C"), '\0');
  EXPECT_EQ(choice("Answer: \\boxed{A} and \\boxed{B}"), '\0');
  EXPECT_EQ(choice("answer: a mixture"), '\0');
  EXPECT_EQ(choice("I say B"), '\0');
}

TEST(ChoiceAnswerTest, ElsewhereTheLastLetterThatStandsAloneCounts) {
  const auto choice = [](const char* text) { return ChoiceIn(text, 'J', ChoiceRule::kAnywhere); };
  EXPECT_EQ(choice("B, not C. I mean B"), 'B');
  EXPECT_EQ(choice("A guess"), '\0');
  EXPECT_EQ(choice("It is D."), 'D');
  EXPECT_EQ(choice("Answer: all of B, so none"), '\0');
}

}  // namespace
}  // namespace tessy
