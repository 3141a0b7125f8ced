// Right answers are counted and kept.
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class EvalTest : public CliTest {
 protected:
  EvalTest() { WriteQuestions("q.jsonl", 20); }
  ProgramResult Eval(const Arguments& more) const {
    Arguments all{"eval", "--model", Model("teacher"), "--questions", "q.jsonl", "--out", "e.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  }
};

TEST_F(EvalTest, CountsWhatIsRightWithAnInterval) {
  const auto result = Eval({"--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["all"]["questions"], 20);
  EXPECT_GE(json["all"]["pass_at_1"], 0.9);  // the teacher knows
  EXPECT_LE(json["all"]["low"], json["all"]["pass_at_1"]);
  EXPECT_GE(json["all"]["high"], json["all"]["pass_at_1"]);
  EXPECT_EQ(json["groups"]["CODE"], json["all"]);
  EXPECT_THAT(Responses("e.jsonl"), SizeIs(20));
  const auto again = Eval({});
  EXPECT_EQ(again.exit_status, 0);
  EXPECT_THAT(again.out, AllOf(HasSubstr("CODE"), HasSubstr("of 20 samples right")));
}

TEST_F(EvalTest, WhatIsRefused) {
  Write("open.jsonl", "{\"prompt\": \"why?\"}\n");
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "open.jsonl", "--out", "x.jsonl"}),
                {"open.jsonl:1: has no \"answer\""});
  Write("two.jsonl", "{\"prompt\": \"why?\", \"answer\": [\"1\", \"2\"]}\n");
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "two.jsonl", "--out", "x.jsonl"}),
                {"two.jsonl:1: has an \"answer\" that is a list of several"});
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "q.jsonl"}), {"--out is missing"});
  ExpectRefusal(Tessy({"eval", "--questions", "q.jsonl", "--out", "x.jsonl"}), {"--model is missing"});
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--out", "x.jsonl"}), {"--questions is missing"});
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "q.jsonl", "--out", "-"}),
                {"--out is missing"});
  ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "-", "--out", "x.jsonl"}),
                {"--questions: is read twice"});
  ExpectRefusal(
      Tessy({"eval", "--model", Model("teacher"), "--responses", "r.jsonl", "--questions", "q.jsonl"}),
      {"--model and --responses"});
  EXPECT_FALSE(Exists("x.jsonl"));
}

TEST_F(EvalTest, EachSamplesVerdictIsWrittenOut) {
  const auto result = Eval({"--limit", "3", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  const Json json = Json::parse(result.out);
  const auto lines = ReadLines("e.jsonl.run/verdicts.jsonl");
  ASSERT_EQ(lines.size(), 3U);
  for (size_t i = 0; i < lines.size(); ++i) {
    const Json verdict = Json::parse(lines[i]);
    EXPECT_EQ(verdict, json["verdicts"][i]);
    EXPECT_EQ(verdict["sample"], 0);
    EXPECT_EQ(verdict["right"], verdict["extracted"] == verdict["expected"]);
  }
  // Of a file of responses: only where a file is named.
  const Arguments graded{"eval", "--responses", "e.jsonl", "--questions", "q.jsonl", "--limit", "3"};
  Arguments named = graded;
  named.insert(named.end(), {"--verdicts", "v.jsonl"});
  EXPECT_EQ(Tessy(named).exit_status, 0);
  EXPECT_EQ(ReadLines("v.jsonl"), lines);
  Arguments over = graded;
  over.insert(over.end(), {"--verdicts", "e.jsonl"});
  ExpectRefusal(Tessy(over), {"--verdicts e.jsonl: is a file that the evaluation reads"});
  // Neither over the responses that are yet to come, nor over what their run keeps.
  for (const char* verdicts : {"./new.jsonl", "new.jsonl.run/run.sqlite", "new.jsonl.run/failures.jsonl"}) {
    ExpectRefusal(Tessy({"eval", "--model", Model("teacher"), "--questions", "q.jsonl", "--out", "new.jsonl",
                         "--verdicts", verdicts}),
                  {std::string("--verdicts ") + verdicts});
  }
  EXPECT_FALSE(Exists("new.jsonl"));
}

TEST_F(EvalTest, SamplesAreNeverIgnored) {
  ASSERT_EQ(Eval({"--limit", "2", "--samples", "3"}).exit_status, 0);
  const Arguments graded{"eval", "--responses", "e.jsonl", "--questions", "q.jsonl"};
  ExpectRefusal(Tessy(graded), {"e.jsonl:", "past the 1 that is graded; --samples 3 grades them all"});
  Write("twice.jsonl", ReadLines("e.jsonl")[0] + "\n" + ReadLines("e.jsonl")[0] + "\n");
  ExpectRefusal(Tessy({"eval", "--responses", "twice.jsonl", "--questions", "q.jsonl", "--samples", "3"}),
                {"twice.jsonl:2: sample", "is in line 1 already"});
}

class KeepTest : public EvalTest {
 protected:
  ProgramResult Keep(const Arguments& more) const {
    Arguments all{"synth",        "--questions", "q.jsonl", "--student", Model("student"), "--method",
                  "student-only", "--keep",      "correct", "--out",     "kept.jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return Tessy(all);
  }
};

// The student is right in about half of its answers.
TEST_F(KeepTest, WrongCandidatesAreDroppedAndCounted) {
  const auto result = Keep({"--candidates", "8", "--temperature", "1"});
  EXPECT_THAT(result.err, HasSubstr("wrong candidates dropped"));
  const size_t kept = Responses("kept.jsonl").size();
  EXPECT_GT(kept, 10U);
  EXPECT_EQ(result.exit_status, kept == 20 ? 0 : 2);
  const auto graded = Tessy(
      {"eval", "--model", Model("student"), "--questions", "q.jsonl", "--out", "plain.jsonl", "--json"});
  EXPECT_LT(Json::parse(graded.out)["all"]["pass_at_1"], 0.9);
}

// GSM8K's answers end in "#### 8"; the verdict is the one for "8".
TEST_F(KeepTest, WorkedSolutionsAreAnswersToo) {
  std::string solutions;
  for (const std::string& line : ReadLines("q.jsonl")) {
    Json question = Json::parse(line);
    question["answer"] = "1 + 1 = <<1+1=2>>2 apples.\n#### " + question["answer"].get<std::string>();
    solutions += question.dump() + "\n";
  }
  const Arguments alike{"--candidates", "8", "--temperature", "1"};
  Keep(alike);
  const auto kept = Responses("kept.jsonl");
  EXPECT_GT(kept.size(), 0U);
  Write("q.jsonl", solutions);
  std::filesystem::rename(Path("kept.jsonl"), Path("first.jsonl"));
  std::filesystem::remove_all(Path("kept.jsonl.run"));
  const auto others = Keep(alike);
  EXPECT_EQ(others.exit_status, kept.size() == 20 ? 0 : 2) << others.err;
  EXPECT_EQ(Responses("kept.jsonl").size(), kept.size());
}

TEST_F(KeepTest, ACommandMayCheck) {
  const auto result = Keep({"--checker", "grep -q '\"answer\":\" the answer is 8\"'", "--candidates", "2"});
  for (const auto& [id, response] : Responses("kept.jsonl")) {
    EXPECT_THAT(response["messages"].back()["content"].get<std::string>(),
                HasSubstr("</think> the answer is 8"));
  }
  EXPECT_EQ(result.exit_status, 2);
  const auto broken =
      Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--method", "student-only",
             "--keep", "correct", "--checker", "exit 7", "--limit", "1", "--out", "none.jsonl"});
  EXPECT_EQ(broken.exit_status, 2);
  EXPECT_THAT(broken.err, HasSubstr("--checker ended with status 7; 0 is right, 1 is wrong"));
}

// The miniature student writes no programs: all of it is wrong, and what cannot be judged is told of first.
TEST_F(KeepTest, ProgramsMayBeRunOnTheQuestionsTests) {
  const auto without = Keep({"--judge", "code"});
  EXPECT_EQ(without.exit_status, 1);
  EXPECT_THAT(without.err, HasSubstr("q.jsonl:1: "));
  EXPECT_THAT(without.err, HasSubstr(", and --judge code needs tests"));
  std::string questions;
  for (const std::string& line : ReadLines("q.jsonl")) {
    Json question = Json::parse(line);
    question["input_output"] = {{"inputs", {"4\n"}}, {"outputs", {"8\n"}}};
    questions += question.dump() + "\n";
  }
  Write("q.jsonl", questions);
  const auto judged = Keep({"--judge", "code", "--candidates", "1", "--limit", "4"});
  EXPECT_EQ(judged.exit_status, 2) << judged.err;
  EXPECT_THAT(judged.err, HasSubstr("no_right_answer"));
  const auto both = Keep({"--judge", "code", "--checker", "true"});
  EXPECT_EQ(both.exit_status, 1);
  EXPECT_THAT(both.err, HasSubstr("--checker: a command judges instead of --judge code"));
}

// Every checker waits until all others have begun: on the run's thread, or fewer at a time, none would end.
TEST_F(KeepTest, CheckersRunAtOnceBesideTheRun) {
  const auto result =
      Keep({"--checker", "echo >> begun; while [ $(wc -l < begun) -lt 16 ]; do sleep 0.05; done",
            "--checkers", "16", "--concurrency", "16", "--limit", "16"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(Responses("kept.jsonl"), SizeIs(16));
}

TEST_F(KeepTest, NoMoreCheckersThanAskedForRunAtATime) {
  const auto result =
      Keep({"--checker", "mkdir now.$$; ls -d now.* | wc -l >> counts; sleep 0.05; rmdir now.$$",
            "--checkers", "2", "--concurrency", "16"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(ReadLines("counts"), AllOf(SizeIs(20), Each(testing::AnyOf("1", "2"))));
}

// A zombie whose new parent has not noticed it counts as gone.
bool IsGone(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string text;
  return !std::getline(file, text) || text.find(") Z ") != std::string::npos;
}

TEST_F(KeepTest, InterruptedWhileACheckerRunsItEndsAtOnceAndAsksAgainLater) {
  const Arguments checked{"--checker",     "[ -e go ] || { sleep 600 & echo $$ $! >> processes; wait; }",
                          "--concurrency", "4",
                          "--limit",       "4"};
  Arguments all{"synth",        "--questions", "q.jsonl", "--student", Model("student"), "--method",
                "student-only", "--keep",      "correct", "--out",     "kept.jsonl"};
  all.insert(all.end(), checked.begin(), checked.end());
  const auto program = StartTessy(all);
  ASSERT_TRUE(AwaitLines("processes", 4));
  program->Signal(SIGINT);
  const auto interrupted = program->Wait();  // 30 seconds at most, and the checkers' own limit is 60
  EXPECT_EQ(interrupted.exit_status, 3) << interrupted.err;
  EXPECT_THAT(interrupted.err, HasSubstr("interrupted: 0 of 4 samples are finished"));
  for (const std::string& line : ReadLines("processes")) {
    std::istringstream processes(line);
    std::string process;
    while (processes >> process) {
      for (int i = 0; i < 1000 && !IsGone(process); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      EXPECT_TRUE(IsGone(process)) << process;
    }
  }
  Write("go", "");
  const auto resumed = Keep(checked);
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_THAT(Responses("kept.jsonl"), SizeIs(4));
  EXPECT_THAT(resumed.err, HasSubstr("taken over"));
}

TEST_F(KeepTest, WhatIsRefused) {
  Write("open.jsonl", "{\"prompt\": \"CODE 1 + 1\"}\n");
  ExpectRefusal(Tessy({"synth", "--questions", "open.jsonl", "--student", Model("student"), "--method",
                       "student-only", "--keep", "correct", "--out", "x.jsonl"}),
                {"open.jsonl:1: has no \"answer\"", "--keep correct"});
  ExpectRefusal(Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--method",
                       "student-only", "--checker", "true", "--out", "x.jsonl"}),
                {"--checker: is for --keep correct"});
  ExpectRefusal(Tessy({"synth", "--questions", "q.jsonl", "--student", Model("student"), "--method",
                       "student-only", "--candidates", "3", "--out", "x.jsonl"}),
                {"--candidates: is for --method teacher-score"});
}

// Every method of the paper, on the shipped pair.
TEST_F(EvalTest, EveryMethodWrites) {
  Write("reference.txt", "{question} hint{answer}");
  for (const char* method : {"teacher-mix", "teacher-score", "teacher-reference"}) {
    const std::string out = std::string(method) + ".jsonl";
    const auto result = Tessy(
        Synth({"--method", method, "--reference-prompt", "reference.txt", "--limit", "4", "--out", out}));
    EXPECT_EQ(result.exit_status, 0) << method << result.err;
    EXPECT_THAT(Responses(out), SizeIs(4)) << method;
    EXPECT_THAT(ReadLines(out), Each(HasSubstr(std::string("\"method\":\"") + method)));
  }
  for (const auto& [id, response] : Responses("teacher-score.jsonl"))
    EXPECT_EQ(response["stats"]["candidates"], 5);
}

}  // namespace
}  // namespace tessy
