// Training as a user experiences it: interrupted, killed, repeated, refused.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "cli_fixture.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TrainTest : public CliTest {
 protected:
  TrainTest() {
    WriteQuestions("q.jsonl", 12);
    EXPECT_EQ(RunSynth({"--out", "r.jsonl"}).exit_status, 0);
    EXPECT_EQ(Tessy({"annotate", "--responses", "r.jsonl", "--annotator", "lexicon", "--out", "a.jsonl",
                     "--windows-per-response", "8", "--window-words", "20"})
                  .exit_status,
              0);
  }
  static Arguments Boundary(const std::string& out, const Arguments& more = {"--lr", "1e-3"}) {
    return Train({"boundary", "--annotations", "a.jsonl", "--base", Model("student"), "--out", out,
                  "--batch-size", "8", "--threads", "1"},
                 more);
  }
  static Arguments Sft(const std::string& out, const Arguments& more = {},
                       const std::string& student = Model("student")) {
    return Train({"sft", "--student", student, "--responses", "r.jsonl", "--out", out, "--epochs", "2",
                  "--batch-size", "4", "--threads", "1"},
                 more);
  }
  // Training starts slowly: libtorch is large.
  ProgramResult Run(const Arguments& arguments) const {
    return Tessy(arguments, {.time_limit = std::chrono::minutes(3)});
  }

 private:
  static Arguments Train(const Arguments& what, const Arguments& more) {
    Arguments all{"train"};
    all.insert(all.end(), what.begin(), what.end());
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(TrainTest, APredictorSaysWhereItComesFromAndHowGoodItIs) {
  const auto result = Run(Boundary("b.gguf"));
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("windows to train on"), HasSubstr("epoch 3: ")));
  EXPECT_THAT(result.out, AllOf(HasSubstr("b.gguf: "), HasSubstr("steps in"), HasSubstr("precision"),
                                HasSubstr("calibration error"), HasSubstr("cuts after style")));
  const Json inspected = Json::parse(Tessy({"model", "inspect", "--json", "b.gguf"}).out);
  EXPECT_THAT(inspected["training"].dump(), AllOf(HasSubstr("student.gguf"), HasSubstr("boundary")));
  const auto synthesised = Tessy(Synth({"--out", "again.jsonl"}, "b.gguf"));
  EXPECT_EQ(synthesised.exit_status, 0) << synthesised.err;

  const std::string bytes = Read("b.gguf");
  const auto again = Run(Boundary("b.gguf"));
  EXPECT_EQ(again.exit_status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("it was done already"));
  ExpectRefusal(Run(Boundary("b.gguf", {"--lr", "1e-4"})), {"b.gguf", "lr", "--fresh"});
  EXPECT_EQ(Read("b.gguf"), bytes);
}

TEST_F(TrainTest, MoreThreadsThanProcessorsAreCutWithOneLine) {
  const auto result = Run({"train", "boundary", "--annotations", "a.jsonl", "--base", Model("student"),
                           "--out", "b.gguf", "--steps", "1", "--threads", "1000"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("--threads 1000: there "));
  EXPECT_EQ(result.err.find("--threads 1000"), result.err.rfind("--threads 1000"));
}

TEST_F(TrainTest, AStudentLearnsAndLossesAreReportedApart) {
  for (const Arguments& kind : {Arguments{}, Arguments{"--lora-rank", "4"}, Arguments{"--train-on", "style"},
                                Arguments{"--system", "Use the new way."}}) {
    SCOPED_TRACE(testing::PrintToString(kind));
    const std::string out = "t" + (kind.empty() ? "" : kind[0]) + ".gguf";
    const auto result = Run(Sft(out, kind));
    ASSERT_EQ(result.exit_status, 0) << result.err;
    const auto metrics = ReadLines(out + ".run/metrics.jsonl");
    ASSERT_FALSE(metrics.empty());
    EXPECT_THAT(metrics[0], AllOf(HasSubstr("\"capability\""), HasSubstr("\"style\"")));
    EXPECT_EQ(Tessy({"synth", "--questions", "q.jsonl", "--method", "student-only", "--student", out, "--out",
                     out + ".jsonl"})
                  .exit_status,
              0);
  }
}

// --save-every is small, so that every process saves a checkpoint before it is killed.
Arguments Lasting() { return {"--lr", "1e-3", "--epochs", "40", "--save-every", "5", "--type", "f32"}; }

TEST_F(TrainTest, InterruptedItSaysThatItGoesOn) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const size_t done = ReadLines("b.gguf.run/metrics.jsonl").size();
    const auto program = StartTessy(Boundary("b.gguf", Lasting()), {.time_limit = std::chrono::minutes(3)});
    ASSERT_TRUE(AwaitLines("b.gguf.run/metrics.jsonl", done + 5));
    program->Signal(signal);
    const auto result = program->Wait();
    EXPECT_EQ(result.exit_status, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("interrupted; the same command goes on"));
    EXPECT_THAT(result.err, HasSubstr(done > 0 ? "steps are done already" : "windows to train on"));
    EXPECT_FALSE(Exists("b.gguf"));
  }
}

TEST_F(TrainTest, KilledAtTwentyRandomMomentsItEndsWithTheSameWeights) {
  const auto seed = static_cast<uint32_t>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // The kills range from before anything is read to well into the steps.
  std::uniform_int_distribution<int> delay(0, kSanitized ? 3000 : 1200);
  std::filesystem::create_directory(Path("killed"));
  std::filesystem::create_directory(Path("undisturbed"));
  constexpr int kKills = kSanitized ? 4 : 20;
  int killed = 0;
  ProgramResult result;
  do {
    const auto program =
        StartTessy(Boundary("killed/b.gguf", Lasting()), {.time_limit = std::chrono::minutes(3)});
    if (killed < kKills) {
      std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
      program->Signal(SIGKILL);
    }
    result = program->Wait();
    ++killed;
  } while (result.signal == SIGKILL);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_GT(killed, kKills / 2) << "it was done before it could be killed often";
  ASSERT_EQ(Run(Boundary("undisturbed/b.gguf", Lasting())).exit_status, 0);
  EXPECT_EQ(Read("killed/b.gguf"), Read("undisturbed/b.gguf"));
  // Every step occurs once, in order; only times differ.
  const auto steps = [&](const std::string& name) {
    std::vector<std::string> all;
    for (const std::string& line : ReadLines(name)) {
      const Json record = Json::parse(line);
      if (record.contains("loss")) all.push_back(record["step"].dump() + " " + record["loss"].dump());
    }
    return all;
  };
  EXPECT_EQ(steps("killed/b.gguf.run/metrics.jsonl"), steps("undisturbed/b.gguf.run/metrics.jsonl"));
}

TEST_F(TrainTest, WhatIsRefused) {
  Write("broken.jsonl", "{\"id\": \"x\"}\n");
  Write("empty.jsonl", "");
  Write("mine.gguf", "mine");
  const auto boundary = [&](const Arguments& more) {
    Arguments all{"train", "boundary"};
    all.insert(all.end(), more.begin(), more.end());
    return Run(all);
  };
  const std::string base = Model("student");
  ExpectRefusal(boundary({"--base", base, "--out", "x.gguf"}), {"--annotations is missing", "annotate"});
  ExpectRefusal(boundary({"--annotations", "a.jsonl", "--out", "x.gguf"}), {"--base is missing"});
  ExpectRefusal(boundary({"--annotations", "a.jsonl", "--base", base}), {"--out is missing"});
  ExpectRefusal(boundary({"--annotations", "nowhere.jsonl", "--base", base, "--out", "x.gguf"}),
                {"nowhere.jsonl: cannot be read"});
  ExpectRefusal(boundary({"--annotations", "broken.jsonl", "--base", base, "--out", "x.gguf"}),
                {"broken.jsonl:1"});
  ExpectRefusal(boundary({"--annotations", "empty.jsonl", "--base", base, "--out", "x.gguf"}),
                {"there is not one window"});
  ExpectRefusal(boundary({"--annotations", "a.jsonl", "--base", "q.jsonl", "--out", "x.gguf"}),
                {"q.jsonl: not a GGUF file"});
  ExpectRefusal(Run(Boundary("mine.gguf")), {"mine.gguf: is there already"});
  ExpectRefusal(Run(Boundary("q.jsonl/x.gguf")), {"q.jsonl/x.gguf"});
  ExpectRefusal(Run(Boundary("x.gguf", {"--device", "tpu"})), {"--device", "tpu"});
  ExpectRefusal(Run(Boundary("y.gguf", {"--lora-rank", "4", "--lora-targets", "z_proj"})), {"z_proj"});
  ExpectRefusal(Run(Sft("z.gguf", {}, Model("boundary-student"))), {"is a boundary predictor"});
  EXPECT_EQ(Read("mine.gguf"), "mine");
  for (const char* name : {"x.gguf", "y.gguf", "z.gguf"}) EXPECT_FALSE(Exists(name)) << name;
}

}  // namespace
}  // namespace tessy
