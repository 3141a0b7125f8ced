#include "train/training_run.h"
#include "base/testing/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "store/append_file.h"
#include "train/testing/random_examples.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TrainingRunTest : public testing::Test {
 protected:
  TrainingRunTest()
      : folder_(fs::temp_directory_path() / ("training_run_test." + std::to_string(getpid()))),
        base_(OpenCheckpoint(kStudent).value()),
        training_(RandomExamples(40, false)),
        validation_(RandomExamples(6, false, 99)) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TrainingRunTest() override { fs::remove_all(folder_); }

  static inline const std::string kStudent = InSource("lab/models/student.gguf");

  TrainingJob Job(const std::string& name) const {
    TrainingJob job;
    job.base = base_.get();
    job.training = training_;
    job.validation = validation_;
    job.trainer.epochs = 3;
    job.trainer.batch = 8;
    job.trainer.rate = 1e-3;
    job.trainer.threads = 1;
    job.judge = [](std::span<const Prediction> predictions) {
      double loss = 0.0;
      for (const Prediction& prediction : predictions) loss += prediction.loss[0];
      return Judgement{.score = -loss, .json = "{\"loss\":1}", .text = "good\n"};
    };
    job.out = Path(name);
    job.configuration_json = R"({"seed":0})";
    job.save_every = 2;
    job.file = {.tokenizer_from = kStudent, .name = "test"};
    return job;
  }

  // Stops after `steps` more.
  Result<TrainingOutcome> Run(const TrainingJob& job, uint64_t steps = 1000) {
    std::atomic<bool> stop{false};
    uint64_t taken = 0;
    const TrainingCallbacks callbacks{
        .progress = [&](const TrainingProgress&) { stop = ++taken >= steps; }, .judged = {}, .resumed = {}};
    return RunTraining(job, callbacks, stop);
  }

  std::string Path(const std::string& name) const { return folder_ / name; }
  static std::string Bytes(const std::string& path) { return ReadWhole(path).value(); }
  std::vector<nlohmann::json> Metrics(const std::string& name) const {
    std::vector<nlohmann::json> lines;
    std::ifstream stream(Path(name) + ".run/metrics.jsonl");
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  fs::path folder_;
  std::unique_ptr<Checkpoint> base_;
  std::vector<Example> training_;
  std::vector<Example> validation_;
};

TEST_F(TrainingRunTest, WritesAModelItsMetricsAndTheResult) {
  const auto outcome = Run(Job("a.gguf"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->interrupted);
  EXPECT_EQ(OpenCheckpoint(Path("a.gguf")).value()->shape(), base_->shape());
  const auto metrics = Metrics("a.gguf");
  EXPECT_EQ(metrics.size(), 15U + 3U);
  EXPECT_EQ(metrics[0]["step"], 1);
  EXPECT_EQ(metrics[5]["validation"]["loss"], 1);
  EXPECT_FALSE(fs::exists(Path("a.gguf.run/checkpoint")));
  EXPECT_EQ(nlohmann::json::parse(outcome->result_json)["steps"], 15);
}

TEST_F(TrainingRunTest, DoneIsDone) {
  ASSERT_TRUE(Run(Job("a.gguf")));
  const std::string bytes = Bytes(Path("a.gguf"));
  const auto again = Run(Job("a.gguf"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_done);
  EXPECT_EQ(Bytes(Path("a.gguf")), bytes);
}

TEST_F(TrainingRunTest, InterruptedAnywhereItEndsInTheSameFile) {
  ASSERT_TRUE(Run(Job("whole.gguf")));
  for (const uint64_t stride : {1, 4, 7}) {
    const std::string name = "in-pieces-" + std::to_string(stride) + ".gguf";
    Result<TrainingOutcome> outcome = Run(Job(name), stride);
    for (int i = 0; i < 30 && outcome && outcome->interrupted; ++i) outcome = Run(Job(name), stride);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_FALSE(outcome->interrupted);
    EXPECT_EQ(Bytes(Path(name)), Bytes(Path("whole.gguf"))) << "stride " << stride;
    EXPECT_EQ(Metrics(name).size(), Metrics("whole.gguf").size());
  }
}

// What a kill leaves behind: metrics of steps after the checkpoint, the last one torn, half a checkpoint.
TEST_F(TrainingRunTest, WhatAKillLeavesIsSwept) {
  ASSERT_TRUE(Run(Job("whole.gguf")));
  ASSERT_TRUE(Run(Job("killed.gguf"), 6));
  std::ofstream(Path("killed.gguf.run/metrics.jsonl"), std::ios::app) << "{\"step\":7}\n{\"step\":8}\n{\"ste";
  std::ofstream(Path("killed.gguf.run/checkpoint.tmp")) << "{\"format\":1";
  std::ofstream(Path("killed.gguf.tmp")) << "GGUF";
  ASSERT_TRUE(Run(Job("killed.gguf")));
  EXPECT_EQ(Bytes(Path("killed.gguf")), Bytes(Path("whole.gguf")));
  EXPECT_EQ(Metrics("killed.gguf").size(), Metrics("whole.gguf").size());
}

TEST_F(TrainingRunTest, OtherSettingsAreRefusedWithTheDifference) {
  ASSERT_TRUE(Run(Job("a.gguf"), 2));
  TrainingJob other = Job("a.gguf");
  other.configuration_json = R"({"seed":7})";
  const auto refused = Run(other);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("seed 0 -> 7"));
  other.fresh = true;
  ASSERT_TRUE(Run(other));
  EXPECT_TRUE(fs::exists(Path("a.gguf.run.old-1/config.json")));
}

TEST_F(TrainingRunTest, NothingIsOverwritten) {
  std::ofstream(Path("a.gguf")) << "precious";
  const auto refused = Run(Job("a.gguf"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is there already"));
  EXPECT_EQ(Bytes(Path("a.gguf")), "precious");
}

TEST_F(TrainingRunTest, ADamagedCheckpointIsSaid) {
  ASSERT_TRUE(Run(Job("a.gguf"), 2));
  const std::string checkpoint = Path("a.gguf.run/checkpoint");
  const std::string whole = Bytes(checkpoint);
  for (const size_t size : {size_t{0}, size_t{10}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(checkpoint, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    const auto outcome = Run(Job("a.gguf"));
    ASSERT_FALSE(outcome) << size;
    EXPECT_THAT(outcome.error().message, HasSubstr("damaged"));
  }
}

TEST_F(TrainingRunTest, TheBestEpochIsKept) {
  TrainingJob job = Job("best.gguf");
  int epoch = 0;
  job.judge = [&epoch](std::span<const Prediction>) {
    return Judgement{.score = ++epoch == 2 ? 1.0 : 0.0, .json = "{}", .text = ""};
  };
  const auto outcome = Run(job);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(nlohmann::json::parse(outcome->result_json)["epoch"], 2);
  TrainingJob two = Job("two.gguf");
  two.trainer.epochs = 2;
  two.keep_last = true;
  ASSERT_TRUE(Run(two));
  const auto a = OpenCheckpoint(Path("best.gguf")).value();
  const auto b = OpenCheckpoint(Path("two.gguf")).value();
  for (const TensorSpec& tensor : TensorsOf(a->shape())) {
    EXPECT_EQ(a->Read(tensor).value(), b->Read(tensor).value()) << tensor.name;
  }
}

}  // namespace
}  // namespace tessy
