// Benchmarks from their files to the report.
#include "eval/benchmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/testing/source_tree.h"
#include "eval/benchmark_judge.h"
#include "eval/benchmark_report.h"
#include "eval/benchmark_rows.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class BenchmarkTest : public testing::Test {
 protected:
  BenchmarkTest() {
    std::string pattern = testing::TempDir() + "benchmark-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~BenchmarkTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  Result<std::vector<BenchmarkProblem>> Read(const Benchmark& benchmark,
                                             const BenchmarkSelection& selection = {}) {
    return ReadBenchmark(benchmark, benchmark.prompt, folder_, selection);
  }
  std::string Refusal(const Benchmark& benchmark, const BenchmarkSelection& selection = {}) {
    const auto problems = Read(benchmark, selection);
    return problems ? "read " + std::to_string(problems->size()) : problems.error().message;
  }

  // The reason of the verdict on an answer to a problem.
  static std::string Judged(const Benchmark& benchmark, const std::vector<BenchmarkProblem>& problems,
                            const std::string& content, size_t problem = 0) {
    Response response;
    response.messages = {{"user", "?"}, {"assistant", content}};
    return JudgeOf(benchmark, problems)(problem, response).reason;
  }

  std::string folder_;
};

Benchmark BuiltIn(const std::string& name) { return *LoadBenchmark(name); }

TEST_F(BenchmarkTest, EveryBuiltInIsWholeAndSaysWhatItExpects) {
  const auto names = BuiltInBenchmarks();
  EXPECT_THAT(names, SizeIs(11));
  for (const std::string& name : names) {
    const auto benchmark = LoadBenchmark(name);
    ASSERT_TRUE(benchmark) << benchmark.error().message;
    EXPECT_EQ(benchmark->name, name);
    EXPECT_THAT(Refusal(*benchmark),
                AllOf(HasSubstr("has none of the files"), HasSubstr("from huggingface.co")))
        << name;
  }
  EXPECT_EQ(Refusal(BuiltIn("gsm8k")).find('\n'), std::string::npos);
  EXPECT_THAT(ReadBenchmark(BuiltIn("gsm8k"), {}, "", {}).error().message,
              HasSubstr("--data is missing; gsm8k expects test.jsonl, test*.parquet or"));
}

TEST_F(BenchmarkTest, AnUnknownNameOrABrokenFileIsOneLine) {
  EXPECT_THAT(LoadBenchmark("aime2023").error().message,
              AllOf(HasSubstr("no benchmark is called \"aime2023\""), HasSubstr("aime2024")));
  EXPECT_THAT(ParseBenchmark("name = \"x\"\nfile = \"y\"", "b.toml").error().message,
              HasSubstr("b.toml:2: \"file\" is unknown; did you mean files"));
  EXPECT_THAT(ParseBenchmark("name = \"x\"", "b.toml").error().message, HasSubstr("\"files\" is missing"));
  EXPECT_THAT(ParseBenchmark("name = \"x\"\njudge = \"luck\"", "b.toml").error().message,
              HasSubstr("\"judge\" must be one of math, choice, code"));
}

TEST_F(BenchmarkTest, AUsersFileIsABenchmark) {
  Write("mine.toml",
        "name = 'mine'\nfiles = ['*.jsonl']\nquestion = ['q']\nanswer = ['a']\ntolerance = ['tol']\n"
        "[prompt]\nsystem = 'Be brief.'\nuser = 'Solve: {{question}}{{#hint}} ({{hint}}){{/hint}}'\n");
  const auto benchmark = LoadBenchmark(folder_ + "/mine.toml");
  ASSERT_TRUE(benchmark) << benchmark.error().message;
  Write("rows.jsonl",
        "{\"q\": \"1/3?\", \"a\": 0.333, \"tol\": \"0.001\", \"hint\": \"h\"}\n{\"q\": \"2?\", \"a\": "
        "\"2\"}\n");
  const auto problems = Read(*benchmark);
  ASSERT_TRUE(problems) << problems.error().message;
  ASSERT_THAT(*problems, SizeIs(2));
  EXPECT_EQ((*problems)[0].question.id, "mine-1");
  EXPECT_EQ((*problems)[0].question.messages,
            (std::vector<Message>{{"system", "Be brief."}, {"user", "Solve: 1/3? (h)"}}));
  EXPECT_EQ(Judged(*benchmark, *problems, "\\boxed{0.3335}"), "right");
  EXPECT_EQ(Judged(*benchmark, *problems, "\\boxed{0.4}"), "wrong");
  EXPECT_EQ(Judged(*benchmark, *problems, "0.333"), "no answer");
  EXPECT_EQ(Judged(*benchmark, *problems, "<think>0.333 \\boxed{0.333}"), "truncated");
  Write("rows.jsonl", "{\"q\": \"1?\"}\n");
  EXPECT_THAT(Refusal(*benchmark), AllOf(HasSubstr("rows.jsonl:1: has no field a")));
}

TEST_F(BenchmarkTest, RowsOfLiveCodeBenchAreChosenByFileAndDay) {
  const Benchmark benchmark = BuiltIn("livecodebench");
  const auto row = [](const char* id, const char* date, const char* starter) {
    return nlohmann::json{{"question_id", id},    {"question_content", "Q"}, {"contest_date", date},
                          {"difficulty", "easy"}, {"starter_code", starter}, {"platform", "atcoder"}}
               .dump() +
           "\n";
  };
  Write("test5.jsonl",
        row("a", "2024-08-03T00:00:00", "") + row("b", "2024-09-14T00:00:00", "class Solution:"));
  Write("test6.jsonl", row("c", "2025-01-11T23:00:00", ""));
  Write("other.jsonl", "{}\n");
  const auto ids = [&](const BenchmarkSelection& selection) {
    std::vector<std::string> names;
    const auto problems = Read(benchmark, selection);
    for (const auto& problem : *problems) names.push_back(problem.question.id);
    return names;
  };
  EXPECT_THAT(ids({}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ids({.subset = "v6"}), ElementsAre("c"));
  EXPECT_THAT(ids({.since = "2024-09-14", .until = "2025-01-11"}), ElementsAre("b", "c"));
  EXPECT_THAT(ids({.limit = 1}), ElementsAre("a"));
  const auto problems = *Read(benchmark);
  EXPECT_THAT(problems[1].question.messages[0].content,
              AllOf(HasSubstr("class Solution:"), Not(HasSubstr("standard input"))));
  EXPECT_THAT(problems[0].question.messages[0].content, HasSubstr("reads standard input"));
  EXPECT_EQ(problems[0].groups.at("month"), "2024-08");
  EXPECT_THAT(Refusal(benchmark, {.subset = "v9"}),
              HasSubstr("--subset v9: livecodebench has the subsets v5 or v6"));
  EXPECT_THAT(Refusal(benchmark, {.since = "2026-01-01"}), HasSubstr("no row of livecodebench is left"));
  EXPECT_THAT(Refusal(BuiltIn("gsm8k"), {.since = "2026-01-01"}), HasSubstr("have no dates"));
  Write("test4.jsonl", row("a", "2024-08-03T00:00:00", ""));
  EXPECT_THAT(Refusal(benchmark), HasSubstr("\"a\" is in"));
  std::filesystem::remove(folder_ + "/test6.jsonl");
  EXPECT_THAT(Refusal(benchmark, {.subset = "v6"}), HasSubstr("has no test6.jsonl, which --subset v6 needs"));
  const auto of_file = ReadBenchmark(benchmark, benchmark.prompt, folder_ + "/test5.jsonl", {.subset = "v6"});
  ASSERT_FALSE(of_file);
  EXPECT_THAT(of_file.error().message, HasSubstr("--subset v6: chooses among the files of a folder"));
}

TEST_F(BenchmarkTest, SeveralAnswersAreOneList) {
  const Benchmark benchmark = BuiltIn("olympiadbench");
  Write("OE_TO_maths_en_COMP.jsonl", R"({"id": 1, "question": "Roots?", "final_answer": ["2", "3"]})");
  const auto problems = Read(benchmark);
  ASSERT_TRUE(problems) << problems.error().message;
  EXPECT_EQ((*problems)[0].expected, "2, 3");
  EXPECT_EQ(Judged(benchmark, *problems, "\\boxed{3, 2}"), "right");
  EXPECT_EQ(Judged(benchmark, *problems, "\\boxed{2}"), "wrong");
}

TEST_F(BenchmarkTest, TheOtherWordingOfGsm8kIsNotRead) {
  Write("test.jsonl", "{\"question\": \"Q\", \"answer\": \"1\"}\n");
  Write("test_socratic.jsonl", "{\"question\": \"Q\", \"answer\": \"1\"}\n");
  EXPECT_EQ(Refusal(BuiltIn("gsm8k")), "read 1");
}

TEST_F(BenchmarkTest, ARowWithoutADayIsToldOfWhereDaysAreChosen) {
  const Benchmark benchmark = BuiltIn("livecodebench");
  for (const char* date : {"\"08/03/2024\"", "\"Sept. 2024\"", "1722643200", "null"}) {
    Write("test5.jsonl",
          std::string(R"({"question_id": "a", "question_content": "Q", "contest_date": )") + date + "}\n");
    EXPECT_THAT(Refusal(benchmark, {.since = "2024-01-01"}),
                HasSubstr("test5.jsonl:1: has no day in \"contest_date\""));
    const auto problems = Read(benchmark);
    ASSERT_TRUE(problems) << problems.error().message;
    EXPECT_EQ((*problems)[0].groups.count("month"), 0U) << date;
  }
}

TEST_F(BenchmarkTest, ChoicesRotateAndOfficialViewsAreCounted) {
  const Benchmark benchmark = BuiltIn("gpqa-diamond");
  std::string rows;
  for (const char* id : {"r0", "r1"}) {
    rows += nlohmann::json{{"Record ID", id},
                           {"Question", "Which?"},
                           {"Correct Answer", "right"},
                           {"Incorrect Answer 1", "w1"},
                           {"Incorrect Answer 2", "w2"},
                           {"Incorrect Answer 3", "w3"}}
                .dump() +
            "\n";
  }
  Write("gpqa_diamond.jsonl", rows);
  const auto problems = Read(benchmark);
  ASSERT_TRUE(problems) << problems.error().message;
  EXPECT_EQ((*problems)[0].expected, "D");
  EXPECT_EQ((*problems)[1].expected, "C");
  EXPECT_THAT((*problems)[0].question.messages[0].content, HasSubstr("(A) w1\n(B) w2\n(C) w3\n(D) right"));
  Response response;
  response.messages = {{"user", "?"}, {"assistant", "<think>C</think>Answer: \\boxed{D}"}};
  const SampleVerdict verdict = JudgeOf(benchmark, *problems)(0, response);
  EXPECT_TRUE(verdict.right);
  EXPECT_EQ(verdict.official, (std::map<std::string, bool>{{"opencompass", false}, {"simple-evals", false}}));
  EXPECT_EQ(Judged(benchmark, *problems, "Answer: B", 1), "wrong");
}

// The golden pairs of the judge, asked as rows of OlympiadBench.
TEST_F(BenchmarkTest, GoldenAnswersAreJudgedAsRowsOfABenchmark) {
  const Benchmark benchmark = BuiltIn("olympiadbench");
  std::ifstream golden(InSource("src/judge/testdata/math.jsonl"));
  std::string rows;
  std::vector<nlohmann::json> expected;
  for (std::string line; std::getline(golden, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["must"] == false || row["gold"].get<std::string>().empty()) continue;
    rows += nlohmann::json{{"id", expected.size()},
                           {"question", "?"},
                           {"final_answer", {row["gold"]}},
                           {"error", row.value("error", "")}}
                .dump() +
            "\n";
    expected.push_back(row);
  }
  Write("OE_TO_maths_en_COMP.jsonl", rows);
  const auto problems = Read(benchmark);
  ASSERT_TRUE(problems) << problems.error().message;
  ASSERT_EQ(problems->size(), expected.size());
  ASSERT_GT(expected.size(), 300U);
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string reason = Judged(benchmark, *problems, expected[i]["response"], i);
    EXPECT_EQ(reason == "right", expected[i]["expected"] == true) << expected[i].dump() << ' ' << reason;
  }
}

SampleVerdict VerdictOn(const std::string& id, uint32_t sample, bool right, const std::string& reason) {
  return {.question_id = id,
          .sample = sample,
          .right = right,
          .extracted = {},
          .expected = {},
          .reason = reason,
          .official = {{"other", false}},
          .tokens = 10};
}

TEST_F(BenchmarkTest, TheReportCountsRunsGroupsAndWhatNeverCame) {
  Benchmark benchmark;
  benchmark.name = "b";
  benchmark.title = "B";
  benchmark.rows = 4;
  std::vector<BenchmarkProblem> problems(2);
  problems[0].question.id = "p";
  problems[0].groups = {{"difficulty", "easy"}};
  problems[1].question.id = "q";
  problems[1].groups = {{"difficulty", "hard"}};
  problems[1].in_errata = true;
  const BenchmarkReport report =
      MakeReport(benchmark, problems,
                 {VerdictOn("p", 0, true, "right"), VerdictOn("p", 1, true, "right"),
                  VerdictOn("q", 0, false, "truncated")},
                 2);
  EXPECT_DOUBLE_EQ(report.all.pass_at_1, 0.5);
  EXPECT_DOUBLE_EQ(report.pass_at.at(2), 0.5);
  EXPECT_THAT(report.runs, ElementsAre(0.5, 0.5));
  EXPECT_DOUBLE_EQ(report.groups.at("difficulty").at("easy").pass_at_1, 1);
  EXPECT_EQ(report.reasons,
            (std::map<std::string, uint64_t>{{"no response", 1}, {"right", 2}, {"truncated", 1}}));
  EXPECT_EQ(report.official.at("other").differs, 2U);
  EXPECT_EQ(report.errata, 1U);
  EXPECT_DOUBLE_EQ(report.without_errata.pass_at_1, 1);
  EXPECT_DOUBLE_EQ(report.mean_tokens, 10);
  EXPECT_THAT(ReportText(report),
              AllOf(HasSubstr("B: 2 problems of 4 published, 2 samples each\n"), HasSubstr("difficulty easy"),
                    HasSubstr("samples: 1 no response, 2 right, 1 truncated; 10 tokens in the mean"),
                    HasSubstr("as other grades                     0.0 %   differs on 2 samples")));
  const auto json = nlohmann::json::parse(ReportJson(report));
  EXPECT_EQ(json["all"]["problems"], 2);
  EXPECT_EQ(json["official_prompt"], nullptr);
}

}  // namespace
}  // namespace tessy
