#include "eval/compare_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "judge/grading.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CompareRunsTest : public testing::Test {
 protected:
  CompareRunsTest() {
    std::string pattern = testing::TempDir() + "compare-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CompareRunsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  // Verdicts on the problems 0, 1, …, a digit each: the right ones of `samples`.
  void Write(const std::string& name, const std::string& right, uint32_t samples = 1) const {
    std::ofstream file(Path(name));
    for (size_t i = 0; i < right.size(); ++i) {
      for (uint32_t sample = 0; sample < samples; ++sample) {
        file << ToJsonLine(SampleVerdict{.question_id = "q" + std::to_string(i),
                                         .sample = sample,
                                         .right = sample < static_cast<uint32_t>(right[i] - '0'),
                                         .extracted = {},
                                         .expected = {}})
             << '\n';
      }
    }
  }

  std::string folder_;
};

TEST_F(CompareRunsTest, OneSampleEachIsTestedByMcNemar) {
  Write("a", "0000000011");
  Write("b", "1111110001");
  const auto comparison = CompareRuns(Path("a"), Path("b"));
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_DOUBLE_EQ(comparison->pass_a, 0.2);
  EXPECT_DOUBLE_EQ(comparison->pass_b, 0.7);
  EXPECT_DOUBLE_EQ(comparison->difference, 0.5);
  EXPECT_EQ(comparison->won.size(), 6U);
  ASSERT_EQ(comparison->lost.size(), 1U);
  EXPECT_EQ(comparison->lost[0].id, "q8");
  ASSERT_TRUE(comparison->mcnemar);
  EXPECT_NEAR(*comparison->mcnemar, 0.125, 1e-12);
  EXPECT_LT(comparison->interval.low, 0.5);
  EXPECT_THAT(ComparisonText(*comparison, 2),
              AllOf(HasSubstr("10 problems in both\npass@1   A 20.0 %   B 70.0 %   difference +50.0 points"),
                    HasSubstr("better in B: 6\n  q0   0 % → 100 %\n"), HasSubstr("and 4 more"),
                    HasSubstr("0.1250 (McNemar, exact)")));
  const auto json = nlohmann::json::parse(ComparisonJson(*comparison));
  EXPECT_EQ(json["won"].size(), 6U);
  EXPECT_NEAR(json["mcnemar_p"], 0.125, 1e-12);
}

TEST_F(CompareRunsTest, OnlyCommonProblemsCountAndSeveralSamplesAreShares) {
  Write("a", "204", 4);
  std::filesystem::create_directory(Path("b.jsonl.run"));
  Write("b.jsonl.run/verdicts.jsonl", "22", 2);
  const auto comparison = CompareRuns(Path("a"), Path("b.jsonl"));
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->problems, 2U);
  EXPECT_EQ(comparison->only_a, 1U);
  EXPECT_DOUBLE_EQ(comparison->pass_a, 0.25);
  EXPECT_DOUBLE_EQ(comparison->pass_b, 1);
  EXPECT_FALSE(comparison->mcnemar);
  EXPECT_EQ(comparison->won[0].id, "q1");
  EXPECT_THAT(ComparisonText(*comparison), HasSubstr("left out: 1 only in A, 0 only in B"));
}

TEST_F(CompareRunsTest, WhatCannotBeComparedIsOneLine) {
  Write("a", "01");
  std::ofstream(Path("broken")) << "{\"question_id\": \"q0\"}\n";
  EXPECT_THAT(CompareRuns(Path("a"), Path("broken")).error().message, HasSubstr("broken:1: is no verdict"));
  EXPECT_FALSE(CompareRuns(Path("a"), Path("gone")));
  Write("twice", "0");
  std::ofstream(Path("twice"), std::ios::app) << "{\"question_id\":\"q0\",\"sample\":0,\"right\":true}\n";
  EXPECT_THAT(CompareRuns(Path("twice"), Path("a")).error().message,
              HasSubstr("twice:2: sample 0 of question \"q0\" is there twice"));
  std::ofstream(Path("others")) << "{\"question_id\":\"x\",\"sample\":0,\"right\":true}\n";
  EXPECT_THAT(CompareRuns(Path("a"), Path("others")).error().message, HasSubstr("no problem in common"));
}

}  // namespace
}  // namespace tessy
