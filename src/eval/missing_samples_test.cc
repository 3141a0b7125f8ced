// Samples that never came, and what a run's record says about them.
#include "eval/missing_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "eval/benchmark_report.h"

namespace tessy {
namespace {

using testing::ElementsAre;

class MissingSamplesTest : public testing::Test {
 protected:
  MissingSamplesTest() : problems_(2) {
    std::string pattern = testing::TempDir() + "missing-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    problems_[0].question.id = "p";
    problems_[0].expected = "7";
    problems_[1].question.id = "q";
  }
  ~MissingSamplesTest() override { std::filesystem::remove_all(folder_); }

  std::string Failures() const { return folder_ + "/failures.jsonl"; }
  // "id/sample reason" of each verdict, where only the first sample of q has a response.
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const SampleVerdict& verdict : All())
      told.push_back(verdict.question_id + "/" + std::to_string(verdict.sample) + " " + verdict.reason);
    return told;
  }
  std::vector<SampleVerdict> All() const {
    SampleVerdict right{.question_id = "q", .sample = 0, .right = true, .extracted = {}, .expected = {}};
    right.reason = "right";
    return WithMissingSamples({right}, problems_, 2, Failures());
  }

  std::string folder_;
  std::vector<BenchmarkProblem> problems_;
};

TEST_F(MissingSamplesTest, EachHasAWrongVerdictThatCountsOnce) {
  EXPECT_THAT(Told(), ElementsAre("p/0 no response", "p/1 no response", "q/0 right", "q/1 no response"));
  EXPECT_EQ(All()[0].expected, "7");
  EXPECT_FALSE(All()[0].right);
  const BenchmarkReport report = MakeReport({}, problems_, All(), 2);
  EXPECT_EQ(report.reasons, (std::map<std::string, uint64_t>{{"no response", 3}, {"right", 1}}));
  EXPECT_DOUBLE_EQ(report.all.pass_at_1, 0.25);
}

TEST_F(MissingSamplesTest, TheRecordCountsForTheSamplesThatItNames) {
  // Other problems, samples past the last, and one that came after all.
  std::ofstream(Failures()) << R"({"question_id":"other","sample":0,"reason":"context_full"})" << '\n'
                            << R"({"question_id":"p","sample":7,"reason":"context_full"})" << '\n'
                            << R"({"question_id":"q","sample":0,"reason":"context_full"})" << '\n'
                            << R"({"question_id":"p","sample":1,"reason":"context_full"})" << '\n'
                            << R"({"question_id":"p","sample":1,"reason":"context_full"})" << '\n'
                            << R"({"question_id":"q","sample":1,"reason":"backend_error: it is gone"})"
                            << '\n';
  EXPECT_THAT(Told(), ElementsAre("p/0 no response", "p/1 truncated", "q/0 right", "q/1 backend_error"));
}

}  // namespace
}  // namespace tessy
