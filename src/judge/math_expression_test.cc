#include "judge/math_expression.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

bool IsSame(const char* a, const char* b) {
  MathWork work;
  const auto left = MathExpression::Parse(a);
  const auto right = MathExpression::Parse(b);
  EXPECT_TRUE(left) << a;
  EXPECT_TRUE(right) << b;
  return left && right && IsSameValue(*left, *right, work);
}

double ValueOf(const char* text) {
  MathWork work;
  const auto expression = MathExpression::Parse(text);
  EXPECT_TRUE(expression) << text;
  return expression ? expression->At(0, work)->number.real() : 0.0;
}

TEST(MathExpressionTest, Precedence) {
  EXPECT_DOUBLE_EQ(ValueOf("-2^2"), -4.0);
  EXPECT_DOUBLE_EQ(ValueOf("2^3^2"), 512.0);
  EXPECT_DOUBLE_EQ(ValueOf("8/4/2"), 1.0);
  EXPECT_DOUBLE_EQ(ValueOf("1-2-3"), -4.0);
  EXPECT_DOUBLE_EQ(ValueOf("2(3+4)"), 14.0);
  EXPECT_DOUBLE_EQ(ValueOf("3\\frac{1}{2}"), 3.5);
  EXPECT_DOUBLE_EQ(ValueOf("3*\\frac{1}{2}"), 1.5);
  EXPECT_DOUBLE_EQ(ValueOf("|3-5|"), 2.0);
  EXPECT_DOUBLE_EQ(ValueOf("\\sqrt[3]{-8}"), -2.0);
  EXPECT_DOUBLE_EQ(ValueOf("\\log_2 8"), 3.0);
  EXPECT_DOUBLE_EQ(ValueOf("5!/3!"), 20.0);
  EXPECT_DOUBLE_EQ(ValueOf("50%"), 0.5);
  EXPECT_DOUBLE_EQ(ValueOf("\\lfloor -3.7 \\rfloor"), -4.0);
}

TEST(MathExpressionTest, IdentitiesHoldAtPoints) {
  EXPECT_TRUE(IsSame("\\sin^2 x", "1-\\cos^2 x"));
  EXPECT_TRUE(IsSame("\\sin 2x", "2\\sin x\\cos x"));
  EXPECT_TRUE(IsSame("\\tan^{-1}(1)", "\\frac{\\pi}{4}"));
  EXPECT_TRUE(IsSame("(1+i)^2", "2i"));
  EXPECT_TRUE(IsSame("\\frac{n!}{n}", "(n-1)!"));
  EXPECT_TRUE(IsSame("(-1)^{2n}", "1"));
  EXPECT_TRUE(IsSame("x-x", "0"));
  EXPECT_FALSE(IsSame("x", "x+10^{-6}"));
  EXPECT_FALSE(IsSame("xy", "x+y"));
  EXPECT_FALSE(IsSame("10^{-34}x", "2*10^{-34}x"));
}

TEST(MathExpressionTest, WholeNumbersOfAnyLengthAreExact) {
  EXPECT_TRUE(IsSame("2^{2025}", "2*2^{2024}"));
  EXPECT_FALSE(IsSame("2^{2025}", "2^{2025}+1"));
  EXPECT_TRUE(IsSame("100!", "100*99!"));
  EXPECT_FALSE(IsSame("100!", "100!+1"));
  EXPECT_TRUE(IsSame("\\binom{200}{100}", "\\binom{199}{99}+\\binom{199}{100}"));
  EXPECT_FALSE(IsSame("10^{10^{10}}", "10^{10^{10}}+1"));
}

TEST(MathExpressionTest, WhatIsNoExpressionIsNone) {
  for (const char* text :
       {"", "+", "1+", "15 4", "(1", "1)", "\\frac{1}", "\\text{a}", "x=1", "1,2", "^2", "\\unknown x"}) {
    EXPECT_FALSE(MathExpression::Parse(text)) << text;
  }
  EXPECT_FALSE(MathExpression::Parse(std::string(100'000, '(')));
  EXPECT_FALSE(MathExpression::Parse(std::string(100'000, '-')));
  std::string nested = "1";
  for (int i = 0; i < 500; ++i) nested = "\\sqrt{" + nested + "}";
  EXPECT_FALSE(MathExpression::Parse(nested));
}

}  // namespace
}  // namespace tessy
