// Programs of golden solutions, asked as rows of LiveCodeBench and judged as a benchmark's responses.
#include "eval/program_judging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "dataset/response.h"

namespace tessy {
namespace {

using testing::HasSubstr;

class ProgramJudgingTest : public testing::Test {
 protected:
  ProgramJudgingTest() {
    std::string pattern = testing::TempDir() + "programs-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::filesystem::copy_file(InSource("src/judge/testdata/lcb_rows.jsonl"), folder_ + "/test5.jsonl");
    benchmark_ = *LoadBenchmark("livecodebench");
    problems_ = *ReadBenchmark(benchmark_, benchmark_.prompt, folder_, {});
  }
  ~ProgramJudgingTest() override { std::filesystem::remove_all(folder_); }

  std::string Responses() const { return folder_ + "/responses.jsonl"; }

  void Respond(const std::string& question, uint32_t sample, const std::string& content) const {
    Response response;
    response.id = question + "/" + std::to_string(sample);
    response.question_id = question;
    response.sample = sample;
    response.method = "student-only";
    response.messages = {{"user", "?"}, {"assistant", content}};
    std::ofstream(Responses(), std::ios::app) << ToJsonLine(response) << "\n";
  }
  static std::string Fenced(const std::string& code) { return "Here:\n```python\n" + code + "\n```\n"; }

  Result<ProgramVerdicts> Judge(uint32_t samples, const ProgramJudgingOptions& options = {}) const {
    return JudgePrograms(benchmark_, benchmark_.prompt, folder_, {}, problems_, Responses(), samples,
                         options);
  }
  // The reason of each verdict, by question and sample.
  std::map<std::string, std::string> Reasons(const ProgramVerdicts& programs, uint32_t samples) const {
    std::vector<Question> questions;
    for (const BenchmarkProblem& problem : problems_) questions.push_back(problem.question);
    const auto graded = GradeResponses(Responses(), questions, samples, "", JudgeOf(benchmark_, programs));
    std::map<std::string, std::string> reasons;
    for (const SampleVerdict& verdict : graded->verdicts) {
      reasons[verdict.question_id + "/" + std::to_string(verdict.sample)] = verdict.reason;
    }
    return reasons;
  }

  std::string folder_;
  Benchmark benchmark_;
  std::vector<BenchmarkProblem> problems_;
};

// Those that end soon: time and memory limits have tests of their own beside the runner.
TEST_F(ProgramJudgingTest, GoldenSolutionsGetTheirVerdicts) {
  const std::map<std::string, std::string> kReasons{
      {"right", "right"}, {"wrong", "WA"}, {"rte", "RTE"}, {"exit3", "RTE"}};
  std::ifstream golden(InSource("src/judge/testdata/lcb_solutions.jsonl"));
  std::map<std::string, uint32_t> samples;
  std::map<std::string, std::string> expected;
  for (std::string line; std::getline(golden, line);) {
    const auto row = nlohmann::json::parse(line);
    const auto reason = kReasons.find(row["kind"].get<std::string>());
    if (row["language"] != "python" || reason == kReasons.end()) continue;
    const std::string question = row["question_id"];
    const uint32_t sample = samples[question]++;
    Respond(question, sample, Fenced(row["code"]));
    expected[question + "/" + std::to_string(sample)] = reason->second;
  }
  Respond("t01_double", 9, "I would double it.");
  Respond("t02_total", 9, "<think>```python\nprint(1)\n```");
  expected["t01_double/9"] = "no code";
  expected["t02_total/9"] = "truncated";
  ASSERT_GT(expected.size(), 20U);
  ASSERT_EQ(samples.size(), 12U);
  const auto programs = Judge(10);
  ASSERT_TRUE(programs) << programs.error().message;
  EXPECT_EQ(Reasons(*programs, 10), expected);
  EXPECT_FALSE(programs->level.empty());
}

TEST_F(ProgramJudgingTest, NothingIsJudgedTwice) {
  Respond("t01_double", 0, Fenced("print(2 * int(input()))"));
  Respond("t01_double", 1, Fenced("print(int(input()) ** 2)"));
  const ProgramJudgingOptions options{
      .workers = 1, .level = {}, .python = {}, .record = folder_ + "/programs.jsonl"};
  ASSERT_TRUE(Judge(2, options));
  // A torn line, as a crash leaves it, costs that verdict alone. What the record has is believed.
  std::ifstream file(options.record);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 2U);
  for (std::string& line : lines) {
    if (const size_t at = line.find("\"WA\""); at != std::string::npos) line.replace(at, 4, "\"MLE\"");
  }
  std::ofstream(options.record) << lines[0] << '\n' << lines[1] << "\n{\"key\": \"torn";
  const auto again = Judge(2, options);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(Reasons(*again, 2),
            (std::map<std::string, std::string>{{"t01_double/0", "right"}, {"t01_double/1", "MLE"}}));
  // Other limits are another judgement.
  benchmark_.program.seconds = 5;
  EXPECT_EQ(Reasons(*Judge(2, options), 2).at("t01_double/1"), "WA");
}

TEST_F(ProgramJudgingTest, AnotherInterpreterIsAnotherJudgement) {
  Respond("t01_double", 0, Fenced("print(2 * int(input()))"));
  ProgramJudgingOptions options{
      .workers = 1, .level = {}, .python = {}, .record = folder_ + "/programs.jsonl"};
  ASSERT_TRUE(Judge(1, options));
  options.python = "/usr/bin/no-such-python";
  EXPECT_FALSE(Judge(1, options));
}

TEST_F(ProgramJudgingTest, WithoutAnInterpreterThereIsNoVerdict) {
  Respond("t01_double", 0, Fenced("print(2 * int(input()))"));
  const ProgramJudgingOptions options{
      .workers = 1, .level = {}, .python = "/usr/bin/no-such-python", .record = {}};
  const auto programs = Judge(1, options);
  ASSERT_FALSE(programs);
  EXPECT_THAT(programs.error().message, HasSubstr("no-such-python"));
  EXPECT_THAT(CheckLanguage(benchmark_, options).error().message,
              HasSubstr("--python: /usr/bin/no-such-python is no program that can be run"));
  EXPECT_TRUE(CheckLanguage(benchmark_, {}));
}

TEST_F(ProgramJudgingTest, CompiledProgramsAreKept) {
  const std::string cache = folder_ + "/cache";
  setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  benchmark_.program.language = BenchmarkPrograms::Language::kCpp;
  benchmark_.program.rule = CodeRule::kCppProgram;
  Respond("t01_double", 0,
          "```cpp\n#include <cstdio>\nint main() { long long n; std::scanf(\"%lld\", &n); "
          "std::printf(\"%lld\\n\", 2 * n); "
          "}\n```\n");
  const auto programs = Judge(1, {.workers = 1, .level = {}, .python = {}, .record = {}});
  unsetenv("XDG_CACHE_HOME");
  ASSERT_TRUE(programs) << programs.error().message;
  EXPECT_EQ(Reasons(*programs, 1).at("t01_double/0"), "right");
  EXPECT_TRUE(std::filesystem::is_directory(cache + "/tessy/judge"));
}

TEST_F(ProgramJudgingTest, ARowWhoseTestsAreBrokenIsNamed) {
  Respond("x", 0, Fenced("print(1)"));
  std::ofstream(folder_ + "/test6.jsonl")
      << R"({"question_id": "x", "question_content": "?", "public_test_cases": "[", "private_test_cases": "[]"})"
      << '\n';
  problems_ = *ReadBenchmark(benchmark_, benchmark_.prompt, folder_, {});
  EXPECT_THAT(Judge(1).error().message, HasSubstr("test6.jsonl:1: \"public_test_cases\": it is no JSON"));
}

}  // namespace
}  // namespace tessy
