// Runs that are interrupted, killed, torn, out of disk, or not alone: what is finished is kept, and the same
// command goes on to the result of an undisturbed run.
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr size_t kQuestions = kSanitized ? 6 : 20;
constexpr size_t kSamples = 2 * kQuestions;

class ResumeTest : public CliTest {
 protected:
  ResumeTest() { WriteQuestions("q.jsonl", kQuestions); }

  // A run long enough to be disturbed; its result does not depend on when.
  static Arguments Run(const std::string& out) {
    return Synth({"--exact", "--samples-per-question", "2", "--concurrency", "4", "--out", out});
  }
  void ExpectAsUndisturbed(const std::string& out) const {
    ASSERT_EQ(Tessy(Run("undisturbed.jsonl")).exit_status, 0);
    const auto expected = Essence("undisturbed.jsonl");
    EXPECT_THAT(expected, SizeIs(kSamples));
    EXPECT_EQ(Essence(out), expected);
  }
  // Whole lines only.
  void ExpectSound(const std::string& out) const {
    const std::string text = Read(out);
    EXPECT_TRUE(text.empty() || text.ends_with('\n')) << text.substr(text.rfind('\n') + 1);
    Responses(out);
  }
};

class SignalTest : public ResumeTest, public testing::WithParamInterface<int> {};

TEST_P(SignalTest, InterruptedRunGoesOn) {
  const auto program = StartTessy(Run("r.jsonl"));
  ASSERT_TRUE(AwaitLines("r.jsonl", 3));
  program->Signal(GetParam());
  const auto result = program->Wait();
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the same command goes on"));
  ExpectSound("r.jsonl");
  const size_t finished = ReadLines("r.jsonl").size();
  EXPECT_LT(finished, kSamples);

  const auto resumed = Tessy(Run("r.jsonl"));
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr(std::to_string(finished) + " samples are there already"));
  ExpectAsUndisturbed("r.jsonl");
}

INSTANTIATE_TEST_SUITE_P(Signals, SignalTest, testing::Values(SIGINT, SIGTERM),
                         [](const auto& test) { return test.param == SIGINT ? "SIGINT" : "SIGTERM"; });

TEST_F(ResumeTest, KilledAgainAndAgainItStillFinishes) {
  const auto seed = static_cast<uint32_t>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> delay(20, 400);  // shorter than any run
  constexpr int kKills = 12;
  int killed = 0;
  ProgramResult result;
  do {
    const auto program = StartTessy(Run("r.jsonl"));
    if (killed < kKills) {
      std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
      program->Signal(SIGKILL);
    }
    result = program->Wait();
    killed += result.signal == SIGKILL ? 1 : 0;
    ASSERT_TRUE(result.signal == SIGKILL || result.exit_status == 0) << result.err;
  } while (result.signal == SIGKILL);
  std::cout << "killed " << killed << " times, seed " << seed << "\n";
  EXPECT_GE(killed, 1);
  ExpectAsUndisturbed("r.jsonl");
}

TEST_F(ResumeTest, TornLastLineIsMended) {
  ASSERT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  const std::string text = Read("r.jsonl");
  const size_t last = text.rfind('\n', text.size() - 2) + 1;
  const size_t torn = (text.size() - last) / 2;
  Write("r.jsonl", text.substr(0, last + torn));
  const auto result = Tessy(Run("r.jsonl"));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("cut off " + std::to_string(torn) + " bytes of torn last lines"));
  ExpectAsUndisturbed("r.jsonl");
}

TEST_F(ResumeTest, FinishedRunIsLeftAlone) {
  ASSERT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  const std::string before = Read("r.jsonl");
  const auto result = Tessy(Run("r.jsonl"));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(Read("r.jsonl"), before);
  EXPECT_THAT(result.err, HasSubstr("0 to go"));
}

TEST_F(ResumeTest, MoreQuestionsAndSamplesExtendARun) {
  ASSERT_EQ(RunSynth({"--out", "r.jsonl", "--limit", "2"}).exit_status, 0);
  ASSERT_EQ(RunSynth({"--out", "r.jsonl", "--limit", "3", "--samples-per-question", "2"}).exit_status, 0);
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(6));
}

TEST_F(ResumeTest, OneRunAtATimeWritesAFile) {
  const auto program = StartTessy(Run("r.jsonl"));
  ASSERT_TRUE(AwaitLines("r.jsonl", 1));
  program->Signal(SIGSTOP);  // so that it does not end too early
  ExpectRefusal(Tessy(Run("r.jsonl")), {"r.jsonl: another tessy is writing to it", "--out"});
  auto fresh = Run("r.jsonl");
  fresh.emplace_back("--fresh");
  ExpectRefusal(Tessy(fresh), {"r.jsonl: another tessy is writing to it"});
  program->Signal(SIGCONT);
  EXPECT_EQ(program->Wait().exit_status, 0);
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(kSamples));
}

TEST_F(ResumeTest, FileSizeLimitLeavesWholeLinesAndTheRunGoesOn) {
  // Predictors would be unpacked into a file in memory, to which the limit applies, too.
  auto run = Run("r.jsonl");
  run.insert(run.end(), {"--method", "student-only"});
  const auto result = Tessy(run, {.file_bytes_max = 5000});
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(Lines(result.err), SizeIs(1));
  EXPECT_THAT(result.err, testing::StartsWith("tessy: r.jsonl: cannot be written: "));
  EXPECT_THAT(result.err, HasSubstr("the same command goes on"));
  ExpectSound("r.jsonl");
  EXPECT_THAT(ReadLines("r.jsonl"), Not(IsEmpty()));
  const auto resumed = Tessy(run);
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_THAT(Responses("r.jsonl"), SizeIs(kSamples));
}

// A file system of its own, for as long as the object lives.
class SmallDisk {
 public:
  SmallDisk(std::string folder, const std::string& size) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    mounted_ = mount("none", folder_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::string folder_;
  bool mounted_ = false;
};

TEST_F(ResumeTest, FullDiskLeavesWholeLinesAndTheRunGoesOn) {
  // Root may mount a small file system and fill it; for anybody else a process that may write no more stands
  // for it.
  const SmallDisk disk(Path("disk"), "48k");
  const ProgramOptions limits{.file_bytes_max = disk.mounted() ? 0U : 5000U};
  const std::string reason = disk.mounted() ? "No space left on device" : "File too large";
  auto run = Run("disk/r.jsonl");
  // The limit would apply to the file in memory into which predictors are unpacked, too.
  if (!disk.mounted()) run.insert(run.end(), {"--method", "student-only"});
  if (disk.mounted()) std::ofstream(Path("disk/ballast")) << std::string(25000, 'x');
  const auto result = Tessy(run, limits);
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr(reason + "; what is finished is kept"));
  ExpectSound("disk/r.jsonl");
  std::filesystem::remove(Path("disk/ballast"));
  // As long as there is no more room, it stays as it is.
  const auto more = Tessy(run, limits);
  EXPECT_TRUE(more.exit_status == 3 || (disk.mounted() && more.exit_status == 0)) << more.err;
  ExpectSound("disk/r.jsonl");
  std::filesystem::copy(Path("disk"), Path("larger"), std::filesystem::copy_options::recursive);
  run[static_cast<size_t>(std::ranges::find(run, "disk/r.jsonl") - run.begin())] = "larger/r.jsonl";
  const auto resumed = Tessy(run);
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_THAT(Responses("larger/r.jsonl"), SizeIs(kSamples));
  if (disk.mounted()) ExpectAsUndisturbed("larger/r.jsonl");
}

}  // namespace
}  // namespace tessy
