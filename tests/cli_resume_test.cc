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

#include "base/testing/source_tree.h"
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
  // The output of `tessy runs show` for it.
  Json Summary(const std::string& run) const {
    const auto result = Tessy({"runs", "show", run, "--json"});
    EXPECT_EQ(result.exit_status, 0) << result.err;
    return Json::parse(result.out, nullptr, false);
  }
  // Waits until the store's log was written so many times, or the program has ended and the log is gone.
  void AwaitWrites(const std::string& log, int count) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10 * kSlowness);
    for (std::filesystem::file_time_type last{}; count > 0 && std::chrono::steady_clock::now() < until;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::error_code missing;
      const auto now = std::filesystem::last_write_time(Path(log), missing);
      if (missing && last != std::filesystem::file_time_type{}) return;
      if (missing || now == last) continue;
      last = now;
      --count;
    }
  }
  // Only whole lines count.
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

INSTANTIATE_TEST_SUITE_P(Signals, SignalTest, testing::Values(SIGINT, SIGTERM, SIGHUP),
                         [](const auto& test) -> std::string {
                           return test.param == SIGINT    ? "SIGINT"
                                  : test.param == SIGTERM ? "SIGTERM"
                                                          : "SIGHUP";
                         });

TEST_F(ResumeTest, InterruptedRunGeneratesNothingTwice) {
  const auto program = StartTessy(Run("r.jsonl"));
  ASSERT_TRUE(AwaitLines("r.jsonl", 3));
  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait().exit_status, 3);
  const auto resumed = Tessy(Run("r.jsonl"));
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr(" tokens taken over"));
  ExpectAsUndisturbed("r.jsonl");
  const Json disturbed = Summary("r.jsonl");
  const Json undisturbed = Summary("undisturbed.jsonl");
  EXPECT_EQ(disturbed["sessions"].size(), 2U);
  EXPECT_EQ(disturbed["sessions"][0]["ended"], "interrupted");
  for (const char* count : {"tokens", "drafted_tokens", "discarded_tokens", "spans"}) {
    EXPECT_EQ(disturbed["generated"][count], undisturbed["generated"][count]) << count;
  }
}

TEST_F(ResumeTest, KilledAgainAndAgainItFinishesAndNoSpanIsGeneratedTwice) {
  constexpr int kKills = kSanitized ? 8 : 50;
  const auto seed = static_cast<uint32_t>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Some kills come before anything has begun, most while every sample is under way. A run that ends first
  // gets more to do.
  std::uniform_int_distribution<int> writes(0, 7);  // the first write may be the one that makes the store
  std::uniform_int_distribution<int> delay(0, 20 * kSlowness);
  constexpr size_t kOf = kSanitized ? 10 : 40;
  WriteQuestions("q.jsonl", kOf);
  size_t samples = 4;
  const auto run = [&samples](const std::string& out) {
    return Synth(
        {"--exact", "--samples-per-question", std::to_string(samples), "--concurrency", "8", "--out", out});
  };
  for (int killed = 0; killed < kKills;) {
    const auto program = StartTessy(run("r.jsonl"));
    AwaitWrites("r.jsonl.run/run.sqlite-wal", writes(random));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
    program->Signal(SIGKILL);
    const auto result = program->Wait();
    if (result.signal == SIGKILL) {
      ++killed;
      continue;
    }
    ASSERT_EQ(result.exit_status, 0) << result.err;
    ++samples;
  }
  const auto last = Tessy(run("r.jsonl"));
  ASSERT_EQ(last.exit_status, 0) << last.err;
  ASSERT_EQ(Tessy(run("undisturbed.jsonl")).exit_status, 0);
  const auto expected = Essence("undisturbed.jsonl");
  EXPECT_THAT(expected, SizeIs(samples * kOf));
  EXPECT_EQ(Essence("r.jsonl"), expected);
  const Json disturbed = Summary("r.jsonl")["generated"];
  const Json undisturbed = Summary("undisturbed.jsonl")["generated"];
  // No span is generated twice. A kill between a response's line and the commit of the store takes its last
  // span from the counts, though not from the response.
  EXPECT_LE(disturbed["spans"].get<int>(), undisturbed["spans"].get<int>());
  EXPECT_GE(disturbed["spans"].get<int>(), undisturbed["spans"].get<int>() - kKills);
  EXPECT_GE(disturbed["drafted_tokens"], undisturbed["drafted_tokens"]);
  EXPECT_GT(disturbed["recalled_tokens"], 0) << "or it was never killed at work";
  std::cout << "killed " << kKills << " times, seed " << seed << ": " << disturbed["drafted_tokens"]
            << " tokens drafted, undisturbed " << undisturbed["drafted_tokens"] << "; "
            << disturbed["recalled_tokens"] << " taken over\n";
}

TEST_F(ResumeTest, ClosedTerminalAndClosedStandardErrorDoNotStopIt) {
  std::string command = ProgramPath();
  for (const std::string& argument : Run("r.jsonl")) command += " '" + argument + "'";
  for (const char* how :
       {"trap '' HUP; kill -HUP $$; exec %s", "%s --progress bar 2> >(true)", "%s --progress bar 2>&-"}) {
    SCOPED_TRACE(how);
    std::string script = how;
    script.replace(script.find("%s"), 2, command);
    std::filesystem::remove(Path("r.jsonl"));
    std::filesystem::remove_all(Path("r.jsonl.run"));
    EXPECT_EQ(RunProgram({"bash", "-c", script}, {.folder = Path("")}).exit_status, 0);
    EXPECT_THAT(Responses("r.jsonl"), SizeIs(kSamples));
  }
}

// ---- Other settings.

TEST_F(ResumeTest, OtherSettingsAreTakenIfSaidSo) {
  const auto program = StartTessy(Run("r.jsonl"));
  ASSERT_TRUE(AwaitLines("r.jsonl", 3));
  program->Signal(SIGTERM);
  program->Wait();
  const size_t finished = ReadLines("r.jsonl").size();
  auto changed = Run("r.jsonl");
  changed.insert(changed.end(), {"--seed", "5"});
  ExpectRefusal(Tessy(changed), {"r.jsonl", "seed 0 -> 5", "--accept-config-change", "--fresh"});
  changed.emplace_back("--accept-config-change");
  const auto result = Tessy(changed);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("goes on with other settings: seed 0 -> 5"));
  EXPECT_THAT(result.err, HasSubstr("4 samples begun with other settings are started over"));
  std::map<int, size_t> by_seed;
  for (const auto& [id, response] : Responses("r.jsonl")) ++by_seed[response["seed"].get<int>()];
  EXPECT_THAT(by_seed,
              testing::ElementsAre(testing::Pair(0, finished), testing::Pair(5, kSamples - finished)));
  // The new settings are now those of the run.
  changed.pop_back();
  EXPECT_EQ(Tessy(changed).exit_status, 0);
  ExpectRefusal(Tessy(Run("r.jsonl")), {"seed 5 -> 0"});
  const Json summary = Summary("r.jsonl");
  ASSERT_EQ(summary["configurations"].size(), 2U);
  EXPECT_EQ(summary["configurations"][0]["settings"]["seed"], 0);
  EXPECT_EQ(summary["configurations"][1]["settings"]["seed"], 5);
  EXPECT_THAT(Tessy({"runs", "show", "r.jsonl"}).out, HasSubstr("seed 0 -> 5"));
}

TEST_F(ResumeTest, DamagedStoreIsNamedAndLeftAlone) {
  ASSERT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  const std::string responses = Read("r.jsonl");
  for (const std::string& content :
       {std::string(9000, 'x'), Read("r.jsonl.run/run.sqlite").substr(0, 5000)}) {
    Write("r.jsonl.run/run.sqlite", content);
    ExpectRefusal(Tessy(Run("r.jsonl")), {"r.jsonl.run/run.sqlite: is damaged"});
    ExpectRefusal(Tessy({"runs", "show", "r.jsonl"}), {"r.jsonl.run/run.sqlite: is damaged"});
    EXPECT_EQ(Read("r.jsonl.run/run.sqlite"), content);
    EXPECT_EQ(Read("r.jsonl"), responses);
  }
  // Without the store, the finished samples are read from the responses.
  std::filesystem::remove(Path("r.jsonl.run/run.sqlite"));
  const auto result = Tessy(Run("r.jsonl"));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("0 to go"));
  EXPECT_EQ(Summary("r.jsonl")["done"], kSamples);
}

// ---- Looking on.

TEST_F(ResumeTest, RunsAreListedAndShownWhileTheyRunAndAfterwards) {
  const auto program = StartTessy(Run("data/r.jsonl"));
  ASSERT_TRUE(AwaitLines("data/r.jsonl", 3));
  // A line appears a moment before the store knows of it, so such a moment is skipped.
  Json running;
  size_t lines = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    program->Signal(SIGSTOP);
    running = Json::parse(Tessy({"runs", "--json"}).out);
    ASSERT_EQ(running.size(), 1U);
    lines = ReadLines("data/r.jsonl").size();
    if (running[0]["done"] == lines) break;
    program->Signal(SIGCONT);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(running[0]["out"], "data/r.jsonl");
  EXPECT_EQ(running[0]["state"], "running");
  EXPECT_EQ(running[0]["method"], "tessy");
  EXPECT_EQ(running[0]["samples"], kSamples);
  EXPECT_EQ(running[0]["done"], lines);
  program->Signal(SIGCONT);
  program->Signal(SIGTERM);
  EXPECT_EQ(program->Wait().exit_status, 3);
  EXPECT_THAT(Tessy({"runs", "data"}).out, HasSubstr("interrupted"));
  EXPECT_EQ(Summary("data/r.jsonl")["unfinished"], 4);
  ASSERT_EQ(Tessy(Run("data/r.jsonl")).exit_status, 0);
  const Json shown = Summary("data/r.jsonl.run/");
  EXPECT_EQ(shown["state"], "finished");
  EXPECT_EQ(shown["unfinished"], 0);
  uint64_t thinking = 0;
  std::map<std::string, int> closed_by;
  for (const auto& [id, response] : Responses("data/r.jsonl")) {
    thinking += response["stats"]["thinking_tokens"].get<uint64_t>();
    ++closed_by[response["closed_by"]];
  }
  EXPECT_EQ(shown["student_tokens"].get<uint64_t>() + shown["teacher_tokens"].get<uint64_t>(), thinking);
  EXPECT_EQ(shown["closed_by"], Json(closed_by));
  EXPECT_EQ(shown["models"]["student"]["file"], "student.gguf");
  const std::string text = Tessy({"runs", "show", "data/r.jsonl"}).out;
  for (const char* piece : {"finished", "student.gguf, fingerprint ", "session 2", "tokens/s", "discarded"}) {
    EXPECT_THAT(text, HasSubstr(piece));
  }
}

TEST_F(ResumeTest, ARunWhoseResponsesAreElsewhereIsKnownByItsFolder) {
  ASSERT_EQ(Tessy(Synth({"--limit", "1", "--run", "runs/a", "--out", "elsewhere.jsonl"})).exit_status, 0);
  const Json runs = Json::parse(Tessy({"runs", "--json"}).out);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_TRUE(runs[0]["out"].is_null());
  EXPECT_EQ(runs[0]["run"], "runs/a");
  EXPECT_THAT(Tessy({"runs"}).out, HasSubstr("runs/a"));
  EXPECT_THAT(Tessy({"runs", "show", "runs/a"}).out,
              testing::AllOf(HasSubstr("runs/a"), Not(HasSubstr("responses.jsonl"))));
}

TEST_F(ResumeTest, RunsThatAreNotThereAreNamed) {
  ExpectRefusal(Tessy({"runs", "nowhere"}), {"nowhere: is no folder"});
  ExpectRefusal(Tessy({"runs", "show", "nowhere"}), {"nowhere: no run is recorded there"});
  EXPECT_EQ(Tessy({"runs", "--json"}).out, "[]\n");
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

// ---- Settings that make other responses, whatever they are called.

TEST_F(ResumeTest, AFamilyFileThatWasEditedIsRefused) {
  std::ifstream qwen3(InSource("src/model/families/qwen3.toml"));
  const std::string family{std::istreambuf_iterator<char>(qwen3), {}};
  ASSERT_THAT(family, HasSubstr("content_open = "));
  Write("my.toml", family);
  const auto run = [&](const char* limit) {
    return RunSynth({"--student-family", "my.toml", "--limit", limit, "--out", "r.jsonl"});
  };
  const auto first = run("1");
  ASSERT_NE(first.exit_status, 1) << first.err;
  ASSERT_NE(run("2").exit_status, 1) << "it was not edited";
  std::string edited = family;
  edited.replace(edited.find("content_open = "), 0, "# mine\n");
  edited.replace(edited.find("\"<think>"), 8, "\"<mine>\\n<think>");
  Write("my.toml", edited);
  ExpectRefusal(run("3"), {"r.jsonl: was made with other settings: student_family/fingerprint "});
}

TEST_F(ResumeTest, AFamilyFileThatAnEarlierVersionRecordedByItsPathGoesOn) {
  std::filesystem::copy(InSource("src/model/families/qwen3.toml"), Path("my.toml"));
  const Arguments run{"--student-family", "my.toml", "--limit", "1", "--out", "r.jsonl"};
  ASSERT_NE(RunSynth(run).exit_status, 1);
  Json recorded = Json::parse(Read("r.jsonl.run/config.json"));
  recorded["student_family"] = "my.toml";
  Write("r.jsonl.run/config.json", recorded.dump() + "\n");
  const auto result = RunSynth(run);
  ASSERT_NE(result.exit_status, 1) << result.err;
  EXPECT_EQ(Json::parse(Read("r.jsonl.run/config.json"))["student_family"]["file"], "my.toml")
      << "from now on it is known by its content";
}

TEST_F(ResumeTest, WhatIsKeptBindsARunThatWritesOneCandidate) {
  const auto run = [&](const char* out, Arguments more) {
    more.insert(more.end(), {"--limit", "2", "--retries", "0", "--out", out});
    return RunSynth(more);
  };
  const Arguments correct{"--keep", "correct", "--candidates", "1"};
  ASSERT_NE(run("kept.jsonl", correct).exit_status, 1);
  ASSERT_NE(run("kept.jsonl", correct).exit_status, 1) << "nothing differs";
  ExpectRefusal(run("kept.jsonl", {}), {"kept.jsonl: ", "keep correct -> all"});
  Arguments checked = correct;
  checked.insert(checked.end(), {"--checker", "true"});
  ExpectRefusal(run("kept.jsonl", checked), {"kept.jsonl: ", "checker (none) -> true"});
  ASSERT_NE(run("all.jsonl", {}).exit_status, 1);
  ExpectRefusal(run("all.jsonl", correct), {"all.jsonl: ", "keep all -> correct"});
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
  // Predictors would be unpacked into a file in memory, to which the limit applies too.
  auto run = Run("r.jsonl");
  run.insert(run.end(), {"--method", "student-only"});
  const auto result = Tessy(run, {.file_bytes_max = 150000});
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(WithoutPlan(result.err),
              testing::MatchesRegex("tessy: r.jsonl(.run/run.sqlite)?: cannot be written: [^\n]*\n"));
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
  // Root may mount a small file system and fill it. For other users the test uses a process with a limit on
  // the size of its files.
  const SmallDisk disk(Path("disk"), "400k");
  const ProgramOptions limits{.file_bytes_max = disk.mounted() ? 0U : 150000U};
  const std::string reason = disk.mounted() ? "(No space left on device|database or disk is full)"
                                            : "(File too large|disk I/O error)";
  auto run = Run("disk/r.jsonl");
  // The limit would also apply to the file in memory into which predictors are unpacked.
  if (!disk.mounted()) run.insert(run.end(), {"--method", "student-only"});
  if (disk.mounted()) std::ofstream(Path("disk/ballast")) << std::string(150000, 'x');
  const auto result = Tessy(run, limits);
  EXPECT_EQ(result.exit_status, 3) << result.err;
  EXPECT_THAT(result.err, testing::ContainsRegex(reason + "; what is finished is kept"));
  ExpectSound("disk/r.jsonl");
  std::filesystem::remove(Path("disk/ballast"));
  // While there is no more room, the state stays as it is.
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

// As a full disk: one line, what is finished is kept, and with room again the run goes on.
TEST_F(ResumeTest, AFileThatMayNotGrowFurtherIsAnError) {
  std::string command = "ulimit -f 16; exec '" + ProgramPath() + "'";  // blocks of 512 bytes
  for (const std::string& argument : Run("r.jsonl")) command += " '" + argument + "'";
  const auto limited = RunProgram({"sh", "-c", command}, {.folder = Path("")});
  // The store may be the first that cannot grow.
  EXPECT_THAT(limited.exit_status, testing::AnyOf(1, 3)) << limited.err;
  EXPECT_THAT(limited.err, testing::AllOf(HasSubstr("tessy: "), Not(HasSubstr("terminate"))));
  EXPECT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  ExpectAsUndisturbed("r.jsonl");
}

// ---- Somebody else has a hand in the file of responses.

class TouchedTest : public ResumeTest {
 protected:
  // What `touch` does while the run writes ends the run with status 3 and one line, and the same command
  // comes to the result of an undisturbed run.
  void ExpectNoticed(const std::string& touch, const std::string& said) const {
    const auto program = StartTessy(Run("r.jsonl"));
    ASSERT_TRUE(AwaitLines("r.jsonl", 3));
    ASSERT_EQ(std::system(("cd '" + Path("") + "' && " + touch).c_str()), 0);
    const auto result = program->Wait();
    EXPECT_EQ(result.exit_status, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("r.jsonl: " + said));
    const auto again = Tessy(Run("r.jsonl"));
    EXPECT_EQ(again.exit_status, 0) << again.err;
    ExpectAsUndisturbed("r.jsonl");
  }
};

TEST_F(TouchedTest, TheFileIsRemoved) { ExpectNoticed("rm r.jsonl", "was removed or renamed"); }
TEST_F(TouchedTest, TheFileIsReplaced) {
  ExpectNoticed("cp r.jsonl other && mv other r.jsonl", "was replaced by another file");
}
TEST_F(TouchedTest, TheFileIsCut) {
  ExpectNoticed("head -n 1 r.jsonl > x && cat x > r.jsonl", "was changed by somebody else");
}

// Each leaves the file as long as it was, or shorter, with the run's store beside it.
TEST_F(TouchedTest, LinesThatAreGoneAreMadeAgain) {
  ASSERT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  const auto expected = Essence("r.jsonl");
  for (const char* touch : {"rm r.jsonl", "head -n 5 r.jsonl > x && cat x > r.jsonl", "sed -i 2d r.jsonl"}) {
    ASSERT_EQ(std::system(("cd '" + Path("") + "' && " + touch).c_str()), 0);
    const auto again = Tessy(Run("r.jsonl"));
    EXPECT_EQ(again.exit_status, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("no longer there")) << touch;
    EXPECT_EQ(Essence("r.jsonl"), expected) << touch;
  }
}

TEST_F(TouchedTest, ALineThatWasDamagedInPlaceIsNamed) {
  ASSERT_EQ(Tessy(Run("r.jsonl")).exit_status, 0);
  std::string text = Read("r.jsonl");
  const size_t second = text.find('\n') + 1;
  text.replace(second, 4, std::string(4, '\0'));  // as a disk that failed may leave it
  Write("r.jsonl", text);
  ExpectRefusal(Tessy(Run("r.jsonl")), {"r.jsonl:2: ", "mend or remove that line"});
  EXPECT_EQ(Read("r.jsonl"), text);
}

}  // namespace
}  // namespace tessy
