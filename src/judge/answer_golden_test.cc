// Verdicts on the golden pairs of testdata/ (README.md there), beside those of the graders that benchmarks
// use.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "judge/answer.h"
#include "judge/choice_answer.h"
#include "judge/final_answer.h"
#include "judge/official_choice.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

std::vector<Json> Rows(const std::string& name) {
  std::ifstream file(InSource("src/judge/testdata/" + name));
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(Json::parse(line));
  return rows;
}

ComparisonRules RulesOf(const Json& row) {
  ComparisonRules rules{.marked_only = true};
  std::istringstream tolerances(row.value("error", ""));
  for (std::string one; std::getline(tolerances, one, ',');) rules.tolerances.push_back(std::stod(one));
  return rules;
}

struct Score {
  size_t right = 0;
  size_t false_accept = 0;
  size_t false_reject = 0;

  void Count(bool verdict, bool expected) {
    ++(verdict == expected ? right : verdict ? false_accept : false_reject);
  }
};

TEST(AnswerGoldenTest, MathHoldsAllThatMustBeHeld) {
  const auto rows = Rows("math.jsonl");
  ASSERT_EQ(rows.size(), 366U);
  Score ours;
  Score others[4];
  constexpr const char* kOthers[] = {"olympiadbench", "math_verify", "opencompass_math_verify", "hendrycks"};
  for (const Json& row : rows) {
    const bool expected = row["expected"];
    const auto verdict =
        JudgeAnswer(row["response"].get<std::string>(), row["gold"].get<std::string>(), RulesOf(row));
    ours.Count(verdict.right, expected);
    for (size_t i = 0; i < std::size(kOthers); ++i) others[i].Count(row[kOthers[i]] == true, expected);
    if (row["must"] == true) {
      EXPECT_EQ(verdict.right, expected) << row.dump() << " compared " << verdict.extracted;
    }
  }
  const auto print = [](const char* name, const Score& score) {
    std::cout << name << ": " << score.right << " right, " << score.false_accept << " false accepts, "
              << score.false_reject << " false rejects\n";
  };
  print("tessy", ours);
  for (size_t i = 0; i < std::size(kOthers); ++i) print(kOthers[i], others[i]);
  // Raise these with the rules; they keep the rows that are not required from getting lost.
  EXPECT_GE(ours.right, 363U);
  EXPECT_LE(ours.false_accept, 1U);
}

// The same rows where a sentence may name the answer: what differs is what stands in no box.
TEST(AnswerGoldenTest, WithoutTheNeedOfABoxOnlyUnboxedAnswersDiffer) {
  size_t compared = 0;
  for (const Json& row : Rows("math.jsonl")) {
    ComparisonRules rules = RulesOf(row);
    rules.marked_only = false;
    const auto response = row["response"].get<std::string>();
    const bool has_box = TextAfterThinking(response).value_or("").find("\\boxed") != std::string::npos;
    if (row["must"] == false || !has_box) continue;
    ++compared;
    EXPECT_EQ(JudgeAnswer(response, row["gold"].get<std::string>(), rules).right, row["expected"] == true)
        << row.dump();
  }
  EXPECT_EQ(compared, 340U);
}

TEST(AnswerGoldenTest, ChoicesAreReadAsExpected) {
  const auto rows = Rows("gpqa.jsonl");
  ASSERT_EQ(rows.size(), 55U);
  for (const Json& row : rows) {
    const auto text = TextAfterThinking(row["response"].get<std::string>());
    const char choice = text ? ChoiceIn(*text, 'D', ChoiceRule::kMarked) : '\0';
    const std::string expected = row["expected"].is_string() ? row["expected"].get<std::string>() : "";
    EXPECT_EQ(choice == '\0' ? "" : std::string(1, choice), expected) << row.dump();
  }
}

TEST(AnswerGoldenTest, TheOfficialChoicesAreReadAsTheirCodeReadsThem) {
  const auto letter = [](char choice) { return choice == '\0' ? Json() : Json(std::string(1, choice)); };
  size_t differ = 0;
  for (const Json& row : Rows("gpqa.jsonl")) {
    const auto response = row["response"].get<std::string>();
    const std::string_view text = AfterThinking(response).value_or("");
    EXPECT_EQ(letter(SimpleEvalsChoice(text)), row["simple_evals"]) << row.dump();
    EXPECT_EQ(letter(OpenCompassChoice(text)), row["opencompass"]) << row.dump();
    const bool differs = row["simple_evals"] != row["expected"] || row["opencompass"] != row["expected"];
    differ += differs ? 1 : 0;
  }
  EXPECT_EQ(differ, 24U);
}

TEST(AnswerGoldenTest, AnswersAsDataSetsWriteThem) {
  const auto rows = Rows("data_sets.jsonl");
  ASSERT_EQ(rows.size(), 19U);
  for (const Json& row : rows) {
    const auto expected = ExpectedAnswer(Json{{"answer", row["answer"]}}.dump());
    ASSERT_TRUE(expected) << row.dump();
    EXPECT_EQ(IsRightAnswer(row["response"].get<std::string>(), *expected), row["right"] == true)
        << row.dump();
  }
}

}  // namespace
}  // namespace tessy
