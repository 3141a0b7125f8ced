// Benchmarks as users meet them: from published rows to a report, and two reports side by side.
#include <filesystem>

#include "base/testing/source_tree.h"
#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

// A benchmark of the shipped questions, which the shipped models answer without boxes.
class CliBenchmarkTest : public CliTest {
 protected:
  CliBenchmarkTest() {
    std::filesystem::create_directory(Path("data"));
    WriteQuestions("data/rows.jsonl", 12);
    Write(
        "mine.toml",
        "name = 'mine'\ntitle = 'Mine'\nsource = 'nowhere'\nfiles = ['rows.jsonl']\nrows = 12\nid = ['id']\n"
        "question = ['prompt']\nanswer = ['answer']\ngroups = ['task']\nunboxed = true\n"
        "[prompt]\nuser = '{{question}}'\n");
  }
  ProgramResult Eval(const Arguments& more, const std::string& model = "teacher") const {
    Arguments all{"eval",   "--model", Model(model), "--benchmark", "mine.toml",
                  "--data", "data",    "--out",      "e.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  }
};

TEST_F(CliBenchmarkTest, AModelIsAskedJudgedAndReported) {
  const auto result = Eval({"--samples", "2", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["benchmark"], "mine");
  EXPECT_EQ(json["all"]["problems"], 12);
  EXPECT_EQ(json["samples"], 2);
  EXPECT_GE(json["all"]["pass_at_1"], 0.9);
  EXPECT_THAT(json["runs"], SizeIs(2));
  EXPECT_EQ(json["groups"]["task"]["CODE"], json["all"]);
  EXPECT_GT(json["mean_tokens"], 0);
  EXPECT_THAT(Responses("e.jsonl"), SizeIs(24));
  const auto verdicts = ReadLines("e.jsonl.run/verdicts.jsonl");
  ASSERT_THAT(verdicts, SizeIs(24));
  EXPECT_EQ(Json::parse(verdicts[0])["reason"], "right");
  // The same once more asks nothing, and judging alone neither.
  const auto again = Eval({"--samples", "2", "--json"});
  EXPECT_EQ(again.out, result.out);
  std::filesystem::remove(Path("e.jsonl.run/verdicts.jsonl"));
  const auto judged = Tessy({"eval", "--judge-only", "--benchmark", "mine.toml", "--data", "data", "--out",
                             "e.jsonl", "--samples", "2", "--json"});
  EXPECT_EQ(judged.out, result.out) << judged.err;
  EXPECT_EQ(ReadLines("e.jsonl.run/verdicts.jsonl"), verdicts);
  const auto table = Tessy(
      {"eval", "--responses", "e.jsonl", "--benchmark", "mine.toml", "--data", "data", "--samples", "2"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("Mine: 12 problems, 2 samples each\n"), HasSubstr("task CODE"),
                               HasSubstr("prompt: not known, the responses were given")));
}

TEST_F(CliBenchmarkTest, ASampleThatWasCutOffIsTruncated) {
  const auto result = Eval({"--max-thinking-tokens", "3", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["reasons"], Json({{"truncated", 12}}));
  EXPECT_EQ(json["all"]["pass_at_1"], 0);
  const auto verdicts = ReadLines("e.jsonl.run/verdicts.jsonl");
  ASSERT_THAT(verdicts, SizeIs(12));
  EXPECT_EQ(Json::parse(verdicts[0])["reason"], "truncated");
  // The same responses elsewhere: the failures are those of their own run, of the problems that are judged.
  const auto given = Tessy({"eval", "--responses", "e.jsonl", "--benchmark", "mine.toml", "--data", "data",
                            "--limit", "5", "--json"});
  ASSERT_EQ(given.exit_status, 0) << given.err;
  EXPECT_EQ(Json::parse(given.out)["reasons"], Json({{"truncated", 5}}));
}

TEST_F(CliBenchmarkTest, ARunWithoutResponsesLosesTheComparison) {
  ASSERT_EQ(Eval({"--max-thinking-tokens", "3"}).exit_status, 0);
  ASSERT_EQ(Tessy({"eval", "--model", Model("teacher"), "--benchmark", "mine.toml", "--data", "data", "--out",
                   "whole.jsonl"})
                .exit_status,
            0);
  const auto compared = Tessy({"eval", "compare", "e.jsonl", "whole.jsonl", "--json"});
  ASSERT_EQ(compared.exit_status, 0) << compared.err;
  const Json json = Json::parse(compared.out);
  EXPECT_EQ(json["problems"], 12);
  EXPECT_EQ(json["pass_at_1"]["a"], 0);
  EXPECT_GE(json["difference"], 0.9);
}

TEST_F(CliBenchmarkTest, TwoRunsAreComparedProblemByProblem) {
  ASSERT_EQ(Eval({}).exit_status, 0);
  ASSERT_EQ(Tessy({"eval", "--model", Model("student"), "--benchmark", "mine.toml", "--data", "data", "--out",
                   "s.jsonl"})
                .exit_status,
            0);
  const auto compared = Tessy({"eval", "compare", "s.jsonl", "e.jsonl", "--json"});
  ASSERT_EQ(compared.exit_status, 0) << compared.err;
  const Json json = Json::parse(compared.out);
  EXPECT_EQ(json["problems"], 12);
  EXPECT_GT(json["difference"], 0);
  EXPECT_LT(json["mcnemar_p"], 1);
  const auto same = Tessy({"eval", "compare", "e.jsonl", "e.jsonl.run/verdicts.jsonl"});
  EXPECT_THAT(same.out, AllOf(HasSubstr("difference +0.0 points"), HasSubstr("better in B: 0\n")));
  ExpectRefusal(Tessy({"eval", "compare", "e.jsonl", "gone.jsonl"}), {"gone.jsonl"});
}

TEST_F(CliBenchmarkTest, WhatIsMissingIsOneLineBeforeAnythingIsAsked) {
  ExpectRefusal(
      Tessy({"eval", "--benchmark", "livecodebench"}),
      {"--data is missing; livecodebench expects test.jsonl", "from huggingface.co/datasets/livecodebench"});
  ExpectRefusal(Tessy({"eval", "--benchmark", "gsm8k", "--data", "data", "--responses", "r.jsonl"}),
                {"--data data: has none of the files; gsm8k expects test.jsonl"});
  ExpectRefusal(Tessy({"eval", "--benchmark", "gms8k", "--data", "data", "--responses", "r.jsonl"}),
                {"no benchmark is called \"gms8k\"; did you mean gsm8k"});
  ExpectRefusal(Eval({"--questions", "data/rows.jsonl"}), {"--benchmark and --questions: give one of them"});
  ExpectRefusal(Eval({"--subset", "v5"}), {"--subset v5: mine has no subsets"});
  ExpectRefusal(Eval({"--judge-only"}), {"--model and --judge-only: give one of them"});
  ExpectRefusal(Tessy({"eval", "--data", "data", "--questions", "data/rows.jsonl", "--responses", "r.jsonl"}),
                {"--data: is of a --benchmark"});
  Write("style.toml", "user = '{{question}} {{nothing}}'\n");
  ExpectRefusal(Eval({"--prompt-style", "style.toml"}), {"rows.jsonl:1: has no \"nothing\""});
  EXPECT_FALSE(Exists("e.jsonl"));
  // Files of the user's are not replaced.
  const std::string rows = Read("data/rows.jsonl");
  ExpectRefusal(Eval({"--verdicts", "data/../data/rows.jsonl"}),
                {"--verdicts data/../data/rows.jsonl: is a file that the evaluation reads"});
  EXPECT_EQ(Read("data/rows.jsonl"), rows);
  Write("e.jsonl.questions.jsonl", "mine\n");
  ExpectRefusal(Eval({}), {"e.jsonl.questions.jsonl: is not from an evaluation"});
  EXPECT_EQ(Read("e.jsonl.questions.jsonl"), "mine\n");
}

// Rows in the form of LiveCodeBench, and programs that are there.
TEST_F(CliBenchmarkTest, ProgramsRunInTheSandbox) {
  std::filesystem::copy_file(InSource("src/judge/testdata/lcb_rows.jsonl"), Path("data/test6.jsonl"));
  const auto row = [](const std::string& question, const std::string& code) {
    return Json{{"id", question + "/0"},
                {"question_id", question},
                {"messages",
                 {{{"role", "user"}, {"content", "?"}},
                  {{"role", "assistant"}, {"content", "<think>x</think>\n```python\n" + code + "\n```"}}}}}
               .dump() +
           "\n";
  };
  Write("r.jsonl",
        row("t01_double", "print(2 * int(input()))") + row("t07_stairs", "print(int(input()) * '*')"));
  const auto result = Tessy({"eval", "--benchmark", "livecodebench", "--subset", "v6", "--data", "data",
                             "--responses", "r.jsonl", "--verdicts", "v.jsonl", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["reasons"], Json({{"WA", 1}, {"no response", 10}, {"right", 1}}));
  EXPECT_EQ(json["published_rows"], 175);
  EXPECT_TRUE(json["sandbox"].is_string());
  EXPECT_EQ(json["groups"]["month"]["2024-08"]["pass_at_1"], 1);
  ASSERT_THAT(ReadLines("v.jsonl"), SizeIs(12));
  Json wrong;
  for (const std::string& line : ReadLines("v.jsonl")) {
    if (const Json verdict = Json::parse(line); verdict["question_id"] == "t07_stairs") wrong = verdict;
  }
  EXPECT_EQ(wrong["reason"], "WA");
  EXPECT_NE(wrong["detail"], "");
  // What programs need is seen before a model is asked.
  const auto ask = [&](const Arguments& more) {
    Arguments all{"eval",    "--benchmark",    "livecodebench", "--data", "data",
                  "--model", Model("teacher"), "--out",         "p.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  };
  ExpectRefusal(ask({"--python", "/usr/bin/no-such-python"}), {"--python: /usr/bin/no-such-python"});
  Write("data/test5.jsonl", R"({"question_id": "x", "question_content": "?", "public_test_cases": "["})"
                            "\n");
  ExpectRefusal(ask({"--subset", "v5"}), {"test5.jsonl:1: \"public_test_cases\": it is no JSON"});
  EXPECT_FALSE(Exists("p.jsonl"));
  ExpectRefusal(Tessy({"eval", "--benchmark", "ojbench", "--data", "data", "--responses", "r.jsonl"}),
                {"--benchmark ojbench: its tests are in a form that this version does not read"});
}

TEST_F(CliBenchmarkTest, AnotherPromptStyleIsAnotherRun) {
  ASSERT_EQ(Eval({}).exit_status, 0);
  Write("style.toml", "system = 'Be brief.'\nuser = '{{question}}'\n");
  const auto other = Eval({"--prompt-style", "style.toml"});
  EXPECT_EQ(other.exit_status, 1);
  EXPECT_THAT(other.err, HasSubstr("was another one when it was answered"));
}

TEST_F(CliBenchmarkTest, ThePromptIsKnownOnlyWhereItIsTheOneThatWasAsked) {
  ASSERT_EQ(Eval({}).exit_status, 0);
  Write("style.toml", "system = 'Be brief.'\nuser = '{{question}}'\n");
  const auto judged = [&](const Arguments& more) {
    Arguments all{"eval", "--judge-only", "--benchmark", "mine.toml", "--data", "data", "--out", "e.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all).out;
  };
  EXPECT_THAT(judged({}), HasSubstr("prompt: not the official one"));
  EXPECT_THAT(judged({"--prompt-style", "style.toml"}), HasSubstr("prompt: not known"));
}

}  // namespace
}  // namespace tessy
