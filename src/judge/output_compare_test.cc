#include "judge/output_compare.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "judge/value_compare.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

// A field that is long stands as [piece, times, rest].
std::string TextOf(const Json& row, const std::string& field) {
  if (row.contains(field)) return row[field];
  const Json& parts = row.at(field + "_repeat");
  std::string text;
  for (int i = 0; i < parts[1].get<int>(); ++i) text += parts[0].get<std::string>();
  return text + parts[2].get<std::string>();
}

// stdio.jsonl: `expected` is the rule of LiveCodeBench without its crashes, the others are DMOJ's checkers.
TEST(OutputCompareTest, GoldenPairsComeOutAsTheOfficialCheckersSay) {
  std::ifstream file(InSource("src/judge/testdata/stdio.jsonl"));
  size_t rows = 0;
  size_t optional_right = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Json row = Json::parse(line);
    const std::string output = TextOf(row, "output");
    const std::string expected = TextOf(row, "expected_output");
    const auto lines = CompareOutput(output, expected, OutputRule::kLines);
    if (row["must"] == true) {
      EXPECT_EQ(lines.right, row["expected"] == true) << row["id"] << ' ' << lines.reason;
    } else {
      optional_right += lines.right == (row["expected"] == true) ? 1 : 0;
    }
    EXPECT_EQ(lines.right, lines.reason.empty());
    const auto words = CompareOutput(output, expected, OutputRule::kWords);
    EXPECT_EQ(words.right, row["dmoj_standard"] == true) << row["id"] << ' ' << words.reason;
    const auto floats = CompareOutput(output, expected, OutputRule::kFloats);
    EXPECT_EQ(floats.right, row["dmoj_floats_1e6"] == true) << row["id"] << ' ' << floats.reason;
  }
  EXPECT_EQ(rows, 69U);
  // Digits of other scripts are not read as numbers; raise this with the rules.
  EXPECT_EQ(optional_right, 7U);
}

TEST(OutputCompareTest, TheReasonShowsWhereLongLinesDiffer) {
  std::string output;
  for (int i = 0; i < 500; ++i) output += "7 ";
  const auto verdict = CompareOutput("1\n" + output + "2", "1\n" + output + "3", OutputRule::kLines);
  EXPECT_EQ(verdict.reason, "line 2: \"…7 7 7 7 7 7 7 7 7 7 2\" for \"…7 7 7 7 7 7 7 7 7 7 3\"");
  EXPECT_EQ(CompareOutput("1\n2", "1 2", OutputRule::kWords).reason,
            "word 2: a line ends before it in one text only");
  EXPECT_EQ(CompareOutput("a\x1b[2J", "b", OutputRule::kLines).reason, "line 1: \"a<U+001B>[2J\" for \"b\"");
}

TEST(OutputCompareTest, DecimalsAreExactWhateverTheirLength) {
  const auto same = [](const std::string& a, const std::string& b) {
    return CompareOutput(a, b, OutputRule::kLines).right;
  };
  const std::string zeros(100000, '0');
  EXPECT_TRUE(same("1" + zeros, "1e100000"));
  EXPECT_FALSE(same("1" + zeros + "1", "1e100001"));
  EXPECT_TRUE(same("0." + zeros + "5", "5e-100001"));
  EXPECT_TRUE(same("0e999999999999999999", "-0.0"));
  EXPECT_FALSE(same("1e9999999999999999999", "1e9999999999999999998"));
  EXPECT_FALSE(same("--1", "1"));
  EXPECT_FALSE(same("1e", "1"));
  EXPECT_FALSE(same(".", "0"));
}

TEST(OutputCompareTest, AToleranceIsAbsoluteOrRelative) {
  const auto same = [](const char* a, const char* b, double tolerance) {
    return CompareOutput(a, b, OutputRule::kFloats, tolerance).right;
  };
  EXPECT_TRUE(same("1.05", "1", 0.1));
  EXPECT_TRUE(same("105", "100", 0.1));
  EXPECT_FALSE(same("111", "100", 0.1));
  EXPECT_FALSE(same("1e999", "1e999", 0.1));
  EXPECT_TRUE(same("1_0", "10", 0));
  EXPECT_FALSE(same("1__0", "10", 0));
}

TEST(ValueCompareTest, EqualityIsThatOfPython) {
  const auto same = [](const char* value, const char* expected) {
    const auto verdict = CompareValues(value, expected);
    return verdict && verdict->right;
  };
  EXPECT_TRUE(same("true", "1"));
  EXPECT_TRUE(same("2", "2.0"));
  EXPECT_TRUE(same(" [1, {\"a\": [false]}]\n", "[1.0,{\"a\":[0]}]"));
  EXPECT_TRUE(same("1267650600228229401496703205376", "1267650600228229401496703205376"));
  EXPECT_TRUE(same("1267650600228229401496703205376", "1.267650600228229401496703205376e30"));
  EXPECT_FALSE(same("1267650600228229401496703205377", "1.267650600228229401496703205376e30"));
  EXPECT_TRUE(same("9007199254740992.0", "9007199254740992"));
  EXPECT_FALSE(same("9007199254740992.0", "9007199254740993"));
  EXPECT_TRUE(same("Infinity", "1e999"));
  EXPECT_TRUE(same("-0", "0.0"));
  EXPECT_TRUE(same("\"\\u00fc\\ud83d\\ude00\"", "\"ü😀\""));
  EXPECT_TRUE(same("\"\\ud800\"", "\"\\ud800\""));
  EXPECT_TRUE(same("{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 7, \"a\": 1}"));
  EXPECT_FALSE(same("NaN", "NaN"));
  EXPECT_FALSE(same("null", "0"));
  EXPECT_FALSE(same("\"1\"", "1"));
  EXPECT_FALSE(same("[1]", "[1, 2]"));
  EXPECT_FALSE(same("{}", "[]"));
  EXPECT_FALSE(same("0.30000000000000004", "0.3"));
  EXPECT_FALSE(same("01", "1"));
  EXPECT_FALSE(same("[1", "[1]"));
}

TEST(ValueCompareTest, ABrokenTestIsNoVerdict) {
  const auto broken = CompareValues("1", "[1,]");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kInvalidData);
  EXPECT_EQ(broken.error().message, "the expected value is no JSON: [1,]");
  EXPECT_EQ(CompareValues("oops", "1")->reason, "the value is no JSON: oops");
  const std::string deep(100000, '[');
  EXPECT_FALSE(CompareValues("1", deep));
}

}  // namespace
}  // namespace tessy
