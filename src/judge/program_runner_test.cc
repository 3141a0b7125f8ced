// Programs get the verdicts of the golden rows: LiveCodeBench's problems in their form, functions, and the
// ways in which right programs read and write.
#include "judge/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <thread>

#include "base/testing/source_tree.h"
#include "judge/compiler.h"
#include "judge/prelude.h"
#include "judge/sandbox_check.h"

namespace tessy {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

std::vector<json> Rows(const std::string& name) {
  std::vector<json> rows;
  std::ifstream file(InSource("src/judge/testdata/" + name));
  for (std::string line; std::getline(file, line);) rows.push_back(json::parse(line));
  EXPECT_GT(rows.size(), 10U) << name;
  return rows;
}

// Compiled programs stay for the next time; all are made of the rows' texts.
std::string CacheFolder() { return std::filesystem::absolute("judge-cache").string(); }

CodeTests One(const std::string& input, const std::string& expected) {
  CodeTests tests;
  tests.tests.push_back({input, expected});
  return tests;
}

class ProgramRunnerTest : public testing::Test {
 protected:
  CodeVerdict Judge(const CodeTask& task) {
    auto verdict = runner_.Judge(task);
    EXPECT_TRUE(verdict) << verdict.error().message;
    return verdict.value_or(CodeVerdict{.reason = "no verdict"});
  }
  CodeVerdict JudgeText(const std::string& code, const std::string& input, const std::string& expected) {
    return Judge({.code = code, .tests = One(input, expected), .limits = {.cpu = seconds(2)}});
  }

  FairMutex beside_;
  ProgramRunner runner_{{.cache_folder = CacheFolder()}, beside_};
};

TEST_F(ProgramRunnerTest, EveryWayToReadAndWriteIsTaken) {
  for (const json& row : Rows("styles.jsonl")) {
    if (row["expected"].is_null()) continue;  // needs a module that may be installed or not
    const CodeVerdict verdict = JudgeText(row["code"], row["stdin"], row["expected_output"]);
    const bool right = row["expected"] == "AC";
    EXPECT_EQ(verdict.verdict == ProgramVerdict::kAccepted, right)
        << row["id"] << " " << row["what"] << ": " << LettersOf(verdict.verdict) << " " << verdict.reason;
  }
}

TEST_F(ProgramRunnerTest, FunctionsAreCalled) {
  for (const json& row : Rows("functional.jsonl")) {
    if (!row.value("must", true)) continue;
    CodeTask task{.code = row["code"], .limits = {.cpu = seconds(1)}};
    task.tests.function = row["fn_name"];
    for (size_t i = 0; i < row["inputs"].size(); ++i) {
      task.tests.tests.push_back({row["inputs"][i], row["outputs"][i]});
    }
    const CodeVerdict verdict = Judge(task);
    EXPECT_EQ(verdict.verdict == ProgramVerdict::kAccepted, row["expected"].get<bool>())
        << row["id"] << " " << row["what"] << ": " << LettersOf(verdict.verdict) << " " << verdict.reason;
    const std::string why = row["why"];
    for (const char* letters : {"CE", "RTE", "TLE"}) {
      if (why == letters) {
        EXPECT_EQ(LettersOf(verdict.verdict), why) << row["id"] << verdict.reason;
      }
    }
  }
}

TEST_F(ProgramRunnerTest, SolutionsOfLiveCodeBenchsRows) {
  std::map<std::string, CodeTests> problems;
  for (const json& row : Rows("lcb_rows.jsonl")) {
    auto tests = CodeTestsOf(row.dump());
    ASSERT_TRUE(tests) << tests.error().message;
    problems[row["question_id"]] = std::move(*tests);
  }
  const auto level = runner_.Level();
  ASSERT_TRUE(level) << level.error().message;
  for (const json& row : Rows("lcb_solutions.jsonl")) {
    const bool is_cpp = row["language"] == "cpp";
    CodeTask task{.code = row["code"], .language = is_cpp ? Language::kCpp : Language::kPython};
    task.tests = problems.at(row["question_id"]);
    // A third of the rows' time, so that those that never end take less of ours.
    task.limits = {.cpu = seconds(row["limits"]["seconds"].get<int>()) / 3,
                   .memory = row["limits"]["memory_mib"].get<uint64_t>() << 20};
    const json& without = row["expected_without_cgroup"];
    const json& expected = *level == SandboxLevel::kA || without.is_null() ? row["expected"] : without;
    const CodeVerdict verdict = Judge(task);
    EXPECT_THAT(expected.get<std::vector<std::string>>(), Contains(std::string(LettersOf(verdict.verdict))))
        << row["question_id"] << " " << row["language"] << " " << row["kind"] << ": " << verdict.reason;
  }
}

TEST_F(ProgramRunnerTest, PyPyRunsPrograms) {
  const CodeVerdict verdict = Judge({.code = "import sys\nprint('PyPy' in sys.version, gcd(6, 4))",
                                     .language = Language::kPyPy,
                                     .tests = One("", "True 2")});
  EXPECT_EQ(LettersOf(verdict.verdict), "AC") << verdict.reason;
}

TEST_F(ProgramRunnerTest, TheReasonIsALine) {
  EXPECT_THAT(JudgeText("import no_such_module_here", "", "").reason,
              HasSubstr("exit status 1: ModuleNotFoundError: No module named 'no_such_module_here'"));
  EXPECT_THAT(JudgeText("print('(", "", "").reason, HasSubstr("SyntaxError"));
  EXPECT_THAT(JudgeText("print(3)", "", "4").reason, HasSubstr("3"));
  const CodeVerdict cpp =
      Judge({.code = "int main() { return x; }", .language = Language::kCpp, .tests = One("", "")});
  EXPECT_EQ(cpp.verdict, ProgramVerdict::kCompileError);
  EXPECT_THAT(cpp.reason, HasSubstr("error:"));
}

TEST_F(ProgramRunnerTest, NoVerdictWithoutAnInterpreter) {
  ProgramRunner lacking({.python = "/usr/bin/no-such-python"}, beside_);
  const auto verdict = lacking.Judge({.code = "print(1)", .tests = One("", "1")});
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(verdict.error().message, HasSubstr("no interpreter at /usr/bin/no-such-python"));
}

TEST_F(ProgramRunnerTest, ABrokenTestIsNoVerdict) {
  CodeTask task{.code = "def f(x): return x"};
  task.tests = One("not json", "1");
  task.tests.function = "f";
  const auto verdict = runner_.Judge(task);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ErrorCode::kInvalidData);
}

TEST_F(ProgramRunnerTest, AnInterruptIsNoVerdict) {
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(300));
    runner_.Interrupt();
  });
  const auto verdict = runner_.Judge({.code = "while True: pass", .tests = One("", "")});
  other.join();
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(JudgeText("print(1)", "", "1").verdict, ProgramVerdict::kAccepted);
}

TEST_F(ProgramRunnerTest, ALimitByTheClockIsLookedAtTwice) {
  const CodeVerdict verdict = Judge(
      {.code = "import time\ntime.sleep(100)", .tests = One("", ""), .limits = {.cpu = milliseconds(200)}});
  EXPECT_EQ(verdict.verdict, ProgramVerdict::kTimeLimit);
  EXPECT_TRUE(verdict.ran_again);
}

TEST(FairMutex, AReaderDoesNotOvertakeAWriter) {
  FairMutex mutex;
  std::string order;  // readers and the writer hold `mutex`
  mutex.lock_shared();
  std::thread writer([&] {
    const std::unique_lock lock(mutex);
    order += 'w';
  });
  std::this_thread::sleep_for(milliseconds(200));
  std::thread reader([&] {
    const std::shared_lock lock(mutex);
    order += 'r';
  });
  std::this_thread::sleep_for(milliseconds(200));
  mutex.unlock_shared();
  writer.join();
  reader.join();
  EXPECT_EQ(order, "wr");
}

TEST(SandboxCheck, WhatHasNoInterpreterWasNotTried) {
  const RunnerOptions lacking{.python = "/usr/bin/no-such-python", .compiler = "/usr/bin/no-such-compiler"};
  size_t told = 0;
  const auto check = CheckSandbox(lacking, [&](const AttackResult& result) {
    ++told;
    EXPECT_FALSE(result.is_tried) << result.id;
    EXPECT_FALSE(result.is_allowed) << result.id;
    EXPECT_THAT(result.reason, HasSubstr("/usr/bin/no-such-"));
  });
  ASSERT_TRUE(check) << check.error().message;
  EXPECT_GT(told, 60U);
  EXPECT_EQ(check->not_tried, told);
  const auto conclusion = ConclusionOf(*check);
  ASSERT_FALSE(conclusion);
  EXPECT_THAT(conclusion.error().message, HasSubstr("no hostile program was tried"));
  EXPECT_EQ(ConclusionOf({.level = SandboxLevel::kB, .allowed = 3, .not_tried = 2}).value_or(""),
            "the sandbox is of level B, and holds: 3 hostile programs, 2 not tried");
  EXPECT_FALSE(ConclusionOf({.allowed = 3, .not_allowed = 1}));
}

// All write the same file in the cache at a time; each then reads a whole program.
TEST(CompilerCache, WritersDoNotMixTheirFiles) {
  const auto folder = std::filesystem::absolute("judge-cache-writers");
  std::filesystem::remove_all(folder);
  std::vector<std::thread> writers;
  const auto program = [](int i) { return std::string(1 << 20, static_cast<char>('a' + i)); };
  std::atomic<int> mixed = 0;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      const Compiler compiler({.cache_folder = folder.string()});
      for (int round = 0; round < 25; ++round) {
        compiler.Keep("code", program(i));
        const std::string kept = compiler.Kept("code");
        if (kept.size() != 1 << 20 || kept.find_first_not_of(kept[0]) != std::string::npos) ++mixed;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(mixed, 0);
  const auto files = std::filesystem::directory_iterator(folder / "programs");
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  // Nor is anything left where the file cannot come to its place.
  const Compiler blocked({.cache_folder = folder.string()});
  const auto path = std::filesystem::directory_iterator(folder / "programs")->path();
  std::filesystem::remove(path);
  std::filesystem::create_directories(path / "in the way");
  blocked.Keep("code", "x");
  const auto left = std::filesystem::directory_iterator(folder / "programs");
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
  std::filesystem::remove_all(folder);
}

TEST(Prelude, OnlyModulesWhoseNamesOccurAreImported) {
  EXPECT_EQ(PreludeModules("n = int(input())\nprint(n)"), "()");
  EXPECT_EQ(PreludeModules("heappush(h, 1)"), "('heapq', )");
  EXPECT_EQ(PreludeModules("x.heappush(h, 1)"), "()");
  EXPECT_EQ(PreludeModules("print(sys.argv, gcd(1, 2))"), "('math', 'sys', )");
}

}  // namespace
}  // namespace tessy
