#include "judge/statistics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "judge/choice_order.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

double PassAtOne(const Json& results) {
  double sum = 0;
  for (const Json& problem : results) {
    uint64_t right = 0;
    for (const Json& sample : problem) right += sample == 1 ? 1 : 0;
    sum += PassAtK(problem.size(), right, 1);
  }
  return sum / static_cast<double>(results.size());
}

// stats.jsonl: pass@k by lcb_runner's estimator, the others by arithmetic of their own.
TEST(StatisticsTest, GoldenFigures) {
  std::ifstream file(InSource("src/judge/testdata/stats.jsonl"));
  size_t rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Json row = Json::parse(line);
    const std::string what = row["what"];
    if (what == "pass@k") {
      const double value = PassAtK(row["n"], row["c"], row["k"]);
      EXPECT_NEAR(value, row["value"], 1e-12) << line;
      EXPECT_NEAR(value, row["exact"], 1e-12) << line;
    } else if (what == "pass@1 over problems") {
      EXPECT_NEAR(PassAtOne(row["results"]), row["value"], 1e-12) << line;
    } else if (what == "wilson95") {
      const double n = row["n"];
      const Interval interval = Wilson95(row["k"].get<double>() / n, n);
      EXPECT_NEAR(interval.low, row["low"], 1e-9) << line;
      EXPECT_NEAR(interval.high, row["high"], 1e-9) << line;
    } else {
      ASSERT_EQ(what, "mcnemar_exact_two_sided");
      EXPECT_NEAR(McNemarExact(row["only_a_right"], row["only_b_right"]), row["p"], 1e-10) << line;
    }
  }
  EXPECT_EQ(rows, 85U);
}

TEST(StatisticsTest, TheBootstrapAgreesWithTheNormalIntervalOfManyValues) {
  // 400 values 0 and 1, 0.3 in the mean: standard error sqrt(0.21 / 400).
  std::vector<double> values(400, 0.0);
  std::fill(values.begin(), values.begin() + 120, 1.0);
  const Interval interval = Bootstrap95(values);
  const double half = 1.96 * 0.0229129;
  EXPECT_NEAR(interval.low, 0.3 - half, 0.005);
  EXPECT_NEAR(interval.high, 0.3 + half, 0.005);
  EXPECT_EQ(Bootstrap95({}).high, 0);
  EXPECT_EQ(Bootstrap95(std::vector<double>(5, 0.25)).low, 0.25);
}

TEST(StatisticsTest, TheBootstrapFindsADifferenceThatIsThere) {
  std::vector<double> better(100, 0.0);
  std::fill(better.begin(), better.begin() + 12, 1.0);
  EXPECT_LT(BootstrapP(better), 0.001);
  std::vector<double> even(100, 0.0);
  std::fill(even.begin(), even.begin() + 10, 1.0);
  std::fill(even.begin() + 10, even.begin() + 20, -1.0);
  EXPECT_GT(BootstrapP(even), 0.5);
  EXPECT_EQ(BootstrapP(std::vector<double>(10, 0.0)), 1);
}

// gpqa_order.json: the letters of the right choice in the code of the two graders, 4 repetitions and 1.
TEST(ChoiceOrderTest, GoldenLettersAndOrders) {
  std::ifstream file(InSource("src/judge/testdata/gpqa_order.json"));
  const Json golden = Json::parse(file);
  const std::string letters = golden["simple_evals"]["letters"];
  ASSERT_EQ(letters.size(), 4U * 198);
  const auto orders = PythonRandomOrders(letters.size());
  std::string ours;
  for (const ChoiceOrder& order : orders) ours += RightLetter(order);
  EXPECT_EQ(ours, letters);
  const Json& first = golden["simple_evals"]["first_permutations"];
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].get<ChoiceOrder>(), orders[i]) << i;
  const std::string rotated = golden["opencompass"]["letters"];
  ASSERT_EQ(rotated.size(), 198U);
  for (size_t i = 0; i < rotated.size(); ++i) EXPECT_EQ(RightLetter(RotatedOrder(i)), rotated[i]) << i;
}

}  // namespace
}  // namespace tessy
