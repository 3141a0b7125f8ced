#include "select/compared_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tessy {
namespace {

TEST(ComparedText, FormsOfTheSameTextAreOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"  Sum of A  and\tB.\r\n\nPrint it ", "sum of a and b. print it"},
      {"\x1cx\x1dy\x1f", "x y"},
      {"Stra\u00dfe \u00c4RGER", "strasse \u00e4rger"},
      {"10\u2075 \u2264 n", "105 \u2264 n"},                     // superscripts
      {"\uff21\uff22\uff23\u3000x", "abc x"},                    // full width
      {"\ufb01nd", "find"},                                      // a ligature
      {"e\u0301t\u00e9", "\u00e9t\u00e9"},                       // composed
      {"a\u00a0b\u2003c\u2028d", "a b c d"},                     // other white space
      {"\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"},  // the final sigma folds like any other
      {"a\xff"
       "B",
       "a\ufffd"
       "b"},
      {"", ""},
      {" \n ", ""}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(NormalForm(text), expected) << text;
}

TEST(ComparedText, AsciiAndOtherTextsTakeTheSameForm) {
  const std::string ascii = " Given  N,\n PRINT\tthe\v sum\fof\r 1..N. ";
  const std::string normal = NormalForm(ascii);
  EXPECT_EQ(NormalForm(ascii + "\u00fc"), normal + " \u00fc");
}

TEST(ComparedText, WrappersAreLeftOut) {
  const std::string task = "alice has an array. print its sum.";
  EXPECT_EQ(WithoutWrappers("return your final response within \\boxed{}. " + task), task);
  EXPECT_EQ(
      WithoutWrappers(task + " please reason step by step, and put your final answer within \\boxed{}."),
      task);
  EXPECT_EQ(WithoutWrappers(
                NormalForm("Generate an executable Python function generated from the given prompt. The "
                           "function should take stdin as input and print the output. Simply call the "
                           "function after the definition.\n\n") +
                " " + task + " please reason step by step."),
            task);
  EXPECT_EQ(WithoutWrappers(task), task);
  EXPECT_EQ(WithoutWrappers("please reason step by step."), "please reason step by step.");
}

TEST(ComparedText, NumbersAreTakenApart) {
  const auto apart = TakeNumbersApart("print the sum of n at most 100,000 numbers, each 1.5 or 2.");
  const auto other = TakeNumbersApart("print the sum of n at most 7 numbers, each 20 or 30.");
  EXPECT_EQ(apart.words, other.words);
  EXPECT_NE(apart.numbers, other.numbers);
  EXPECT_EQ(apart, TakeNumbersApart("print the sum of n at most 100,000 numbers, each 1.5 or 2."));
  EXPECT_NE(apart.words, TakeNumbersApart("print the sum of m at most 7 numbers, each 20 or 30.").words);
  EXPECT_NE(TakeNumbersApart("1 12").numbers, TakeNumbersApart("11 2").numbers);
}

TEST(ComparedText, HashesTellTextsApart) {
  EXPECT_EQ(HashOfText("a"), HashOfText("a"));
  EXPECT_NE(HashOfText("a"), HashOfText("b"));
  EXPECT_NE(HashOfText("a").high, HashOfText("a").low);
}

}  // namespace
}  // namespace tessy
