#include "judge/answer_form.h"

#include <gtest/gtest.h>

#include <span>

#include "judge/math_text.h"

namespace tessy {
namespace {

bool IsSame(const char* expected, const char* given) {
  MathWork work;
  return IsSameAnswer(FormOf(expected), FormOf(given), work);
}

struct Pair {
  const char* expected;
  const char* given;
};

void ExpectSame(std::span<const Pair> pairs) {
  for (const Pair& pair : pairs) {
    EXPECT_TRUE(IsSame(pair.expected, pair.given)) << pair.expected << " and " << pair.given;
    EXPECT_TRUE(IsSame(pair.expected, pair.expected)) << pair.expected;
  }
}

TEST(AnswerFormTest, WritingsOfOneAnswerAreOne) {
  constexpr Pair kPairs[] = {
      // signs, thousands, points
      {"-12", "−12"},
      {"-12", "–12"},
      {"-12", "{-}12"},
      {"-12", "- 12"},
      {"12", "+12"},
      {"1234", "1,234"},
      {"1234", "1{,}234"},
      {"1234", "1\\,234"},
      {"1234567", "1 234 567"},
      {"1234", "1 234"},
      {"12345", "12 345"},
      {"100000", "100 000"},
      {"100050", "100 050"},
      {"123456789", "123 456 789"},
      {"1234.5", "\\$1,234.50"},
      {"0.5", ".5"},
      {"0.5", "-{-}.5"},
      {"25", "25."},
      {"7", "007"},
      {"１２", "12"},
      // fractions
      {"\\frac12", "\\frac{1}{2}"},
      {"\\frac12", "½"},
      {"3.5", "3\\frac12"},
      {"3.5", "3 1/2"},
      {"-\\frac12", "\\frac{-1}{2}"},
      {"\\frac{2}{3}", "{2 \\over 3}"},
      {"\\frac13", "0.\\overline{3}"},
      // dressing
      {"5", "\\boxed{\\boxed{5}}"},
      {"5", "\\fbox{5}"},
      {"5", "**5**"},
      {"5", "\\text{5}"},
      {"5", "$5$"},
      {"12", "\\text{The answer is } 12"},
      {"even", "\\textbf{Even}"},
      {"no solution", "\\text{No solution}"},
      // units, percent, degrees
      {"12", "12 cm"},
      {"12", "12\\text{ cm}^2"},
      {"12 km", "12 kilometres"},
      {"15", "15\\text{ people}"},
      {"12", "12 m"},
      {"50\\%", "50"},
      {"50\\%", "\\frac12"},
      {"5\\%", "5\\text{ percent}"},
      {"90^\\circ", "90"},
      {"30°", "\\frac{\\pi}{6}"},
      {"1.5\\times 10^{-3}", "0.0015"},
      {"25", "25^\\circ C"},
      {"1e3", "1000"},
  };
  ExpectSame(kPairs);
}

TEST(AnswerFormTest, WhatRoundingLeavesOfAZeroIsZero) {
  constexpr Pair kPairs[] = {{"0", "\\cos(\\frac{\\pi}{2})"},
                             {"\\sin(\\pi)", "0"},
                             {"0", "(\\sqrt{2})^2-2"},
                             {"0", "3\\cos(\\frac{\\pi}{2})"},
                             {"\\sin(\\pi)", "\\cos(\\frac{\\pi}{2})"}};
  ExpectSame(kPairs);
}

TEST(AnswerFormTest, WritingsOfOneLongerAnswerAreOne) {
  constexpr Pair kPairs[] = {
      // several
      {"1,2", "2 and 1"},
      {"\\{1,2\\}", "2,1"},
      {"\\pm 3", "3,-3"},
      {"x=\\pm 2", "x=2, x=-2"},
      {"1,234", "1, 234"},
      {"(1,2),(3,4)", "(3,4) \\text{ and } (1,2)"},
      {"x=1,y=2", "1,2"},
      // intervals
      {"(0,\\infty)", "x>0"},
      {"1\\le x<2", "[1,2)"},
      {"x\\le 2 \\text{ or } x > 5", "(5,\\infty)\\cup(-\\infty,2]"},
      {"\\mathbb{R}", "(-\\infty,\\infty)"},
      // matrices, equations, names
      {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}"},
      {"y=2x+1", "2x-y+1=0"},
      {"5", "x=5"},
      {"x=5", "5"},
      {"116", "m+n = 100+16 = 116"},
      {"x+y<1", "2x+2y<2"},
      {"n(n+1)/2", "\\binom{n+1}{2}"},
      {"12345678901234567890", "12{,}345{,}678{,}901{,}234{,}567{,}890"},
  };
  ExpectSame(kPairs);
}

TEST(AnswerFormTest, OtherAnswersAreOther) {
  constexpr Pair kPairs[] = {
      {"\\frac12", "12"},
      {"\\frac12", "2"},
      {"12", "1,2"},
      {"12345", "12,34,5"},
      {"1", "100"},
      {"50", "0.5"},
      {"12.5\\%", "1.25"},
      {"12345678901234567890", "12345678901234567891"},
      {"2^{100}", "2^{100}+1"},
      {"1.2\\times10^{-9}", "9.9\\times10^{-9}"},
      {"2\\times10^{-34}", "0"},
      {"2\\times10^{-34}", "\\cos(\\frac{\\pi}{2})"},
      {"0", "\\sin(10^{-9})"},
      {"1,1,2", "1,2,2"},
      {"(1,2,3)", "(1,2)"},
      {"(1,2)", "(2,1)"},
      {"(0,1)", "[0,1]"},
      {"(0,1)", "(1,0)"},
      {"\\{1,2\\}", "(1,2)"},
      {"\\pm 3", "3"},
      {"3", "\\pm 3"},
      {"x=1,y=2", "2,1"},
      {"x=1,y=2", "x=2,y=1"},
      {"x=5", "y=5"},
      {"x=y=3", "3"},
      {"4", "x^2=4"},
      {"x>0", "x \\ge 0"},
      {"x+y<1", "x+y>1"},
      {"y=2x+1", "y=2x+2"},
      {"x+10^{-4}", "x"},
      {"\\alpha", "a"},
      {"2n+1", "2k+1"},
      {"a_1", "a_2"},
      {"能", "不能"},
      {"\\text{None}", "0"},
      {"\\emptyset", "0"},
      {"5", "\\text{not } 5"},
      {"12 cm", "12 km"},
      {"2", "2m"},
      {"10^{10^{10}}", "10^{10^9}"},
      {"1", ""},
      {"", ""},
      {"1", "1 2"},
      {"100200", "100 200"},
      {"20000", "100 200"},
      {"100200", "100 2000"},
  };
  for (const Pair& pair : kPairs) {
    EXPECT_FALSE(IsSame(pair.expected, pair.given)) << pair.expected << " and " << pair.given;
  }
}

TEST(AnswerFormTest, TolerancesTakeThePlaceOfTheUsualOne) {
  MathWork work;
  const double one[] = {0.02};
  const double each[] = {0.2, 1e-3};
  EXPECT_TRUE(IsSameAnswer(FormOf("9.81"), FormOf("9.83"), work, one));
  EXPECT_FALSE(IsSameAnswer(FormOf("9.81"), FormOf("9.70"), work, one));
  EXPECT_TRUE(IsSameAnswer(FormOf("1.5,2.5"), FormOf("2.5,1.6"), work, each));
  EXPECT_FALSE(IsSameAnswer(FormOf("1.5,2.5"), FormOf("1.5,2.6"), work, each));
  // Taking the first that fits would leave none for the second.
  const double both[] = {1.0, 0.1};
  EXPECT_TRUE(IsSameAnswer(FormOf("1,2"), FormOf("2,1.5"), work, both));
}

// No clock: a pair that would take longer than its allowance is no longer compared.
TEST(AnswerFormTest, ComparingIsBounded) {
  std::string sum = "1";
  for (int i = 0; i < 300; ++i) sum += "+n!";
  std::string list = sum;
  for (int i = 0; i < 2; ++i) list += "," + sum;
  MathWork work;
  EXPECT_FALSE(IsSameAnswer(FormOf(list), FormOf(list + "+1"), work));
  EXPECT_GT(work.spent(), 0U);
  EXPECT_LT(work.spent(), MathWork::kAllowed + 2'000);  // the last step may be a long one
  MathWork other;
  std::string numbers = "1";
  for (int i = 2; i < 490; ++i) numbers += ", " + std::to_string(i);
  EXPECT_TRUE(IsSameAnswer(FormOf(numbers + ", 0.5"), FormOf("\\frac12, " + numbers), other));
  EXPECT_LT(other.spent(), 2'000U);
}

TEST(AnswerFormTest, PlainMathTakesTheDressingOff) {
  EXPECT_EQ(PlainMath("$\\left(\\dfrac{1}{2},\\;1{,}234\\right)$"), "(\\frac{1}{2}, 1234)");
  EXPECT_EQ(PlainMath("x ≤ −3 \\text{ or } x ≥ 5"), "x <= -3 , x >= 5");
  EXPECT_EQ(PlainMath("\\\\frac12"), "\\frac12");
}

}  // namespace
}  // namespace tessy
