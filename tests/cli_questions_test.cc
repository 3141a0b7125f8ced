// Long files of questions, and inputs that are not files.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class LongQuestionsTest : public CliTest {
 protected:
  // The shipped questions, repeated, each with an id of its own and `bytes` bytes in a field that is carried
  // over.
  void WriteMany(const std::string& name, size_t count, size_t bytes) const {
    WriteQuestions("shipped.jsonl", 40);
    const auto lines = ReadLines("shipped.jsonl");
    std::ofstream file(Path(name), std::ios::binary);
    const std::string rest(bytes, 'x');
    for (size_t i = 0; i < count; ++i) {
      Json row = Json::parse(lines[i % lines.size()]);
      row["id"] = "q" + std::to_string(i);
      row["rest"] = rest;
      file << row.dump() << '\n';
    }
  }
};

TEST_F(LongQuestionsTest, AreNotHeldInMemory) {
  constexpr size_t kCount = kSanitized ? 4000 : 40000;
  constexpr size_t kBytes = 3000;
  const ProgramOptions options{// What the sanitizer keeps of freed memory is not the program's.
                               .environment = {"ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1"},
                               .time_limit = std::chrono::minutes(2)};
  const Arguments two{"--limit", "2", "--concurrency", "2", "--out"};
  const auto with_two = [&](const std::string& out) {
    Arguments all = two;
    all.push_back(out);
    return RunSynth(all, options);
  };
  WriteMany("q.jsonl", 2, kBytes);
  const auto few = with_two("few.jsonl");
  ASSERT_EQ(few.exit_status, 0) << few.err;
  WriteMany("q.jsonl", kCount, kBytes);
  const auto many = with_two("many.jsonl");
  ASSERT_EQ(many.exit_status, 0) << many.err;
  EXPECT_GT(std::filesystem::file_size(Path("q.jsonl")), kCount * kBytes);
  if (!kSanitized) {  // ASan keeps what was freed
    EXPECT_LT(many.peak_bytes, few.peak_bytes + kCount * kBytes / 2);
  }
  EXPECT_EQ(Responses("many.jsonl").size(), 2u);
  EXPECT_EQ(Responses("many.jsonl").at("q1/0")["source"]["rest"], std::string(kBytes, 'x'));
}

TEST_F(LongQuestionsTest, ARunOfManyGoesOnWhereItWasInterrupted) {
  WriteMany("q.jsonl", 20000, 200);
  const auto program =
      StartTessy(Synth({"--concurrency", "4", "--out", "r.jsonl"}), {.time_limit = std::chrono::minutes(1)});
  ASSERT_TRUE(AwaitLines("r.jsonl", 5));
  program->Signal(SIGINT);
  const auto interrupted = program->Wait();
  EXPECT_EQ(interrupted.exit_status, 3) << interrupted.err;
  EXPECT_THAT(interrupted.err, HasSubstr(" of 20000 samples are finished; the same command goes on"));
  const size_t done = ReadLines("r.jsonl").size();
  const auto next = RunSynth({"--out", "r.jsonl", "--limit", std::to_string(done + 5)});
  EXPECT_EQ(next.exit_status, 0) << next.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(testing::Ge(done + 5)));
}

TEST_F(LongQuestionsTest, AFileThatChangesUnderARunStopsItWithOneClearLine) {
  WriteMany("q.jsonl", 2000, 10);
  const auto program = StartTessy(Synth({"--concurrency", "1", "--progress", "none", "--out", "r.jsonl"}));
  ASSERT_TRUE(AwaitLines("r.jsonl", 1));
  {  // The file is changed in place, because the program has it open.
    std::fstream file(Path("q.jsonl"), std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(std::filesystem::file_size(Path("q.jsonl")), ' ');
  }
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.err, HasSubstr("is no longer the line that was read first"));
  EXPECT_THAT(result.err, HasSubstr("what is finished is kept"));
  EXPECT_THAT(Lines(WithoutPlan(result.err)), SizeIs(1));
}

TEST_F(LongQuestionsTest, StandardInputAndPipesAreFilesToo) {
  WriteMany("q.jsonl", 5, 10);
  const std::string rest = " --method student-only --student " + Model("student") + " --out ";
  for (const std::string& command :
       {"cat q.jsonl | " + ProgramPath() + " synth --questions -" + rest + "a.jsonl",
        ProgramPath() + " synth --questions <(cat q.jsonl)" + rest + "b.jsonl"}) {
    const auto result = RunProgram({"bash", "-c", "cd " + Path("") + " && " + command});
    EXPECT_EQ(result.exit_status, 0) << command << ": " << result.err;
  }
  EXPECT_THAT(Responses("a.jsonl"), SizeIs(5));
  EXPECT_EQ(Responses("b.jsonl").at("q3/0")["source"]["rest"], "xxxxxxxxxx");
}

}  // namespace
}  // namespace tessy
