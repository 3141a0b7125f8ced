#include "job/train_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/testing/source_tree.h"
#include "store/append_file.h"
#include "store/configuration.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class TrainSettingsTest : public testing::Test {
 protected:
  TrainSettingsTest() {
    std::filesystem::create_directories(folder_);
    Write("data.jsonl", "{}\n");
  }
  ~TrainSettingsTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteWhole(folder_ + "/" + name, text));
  }
  TrainSftOptions Sft() const {
    TrainSftOptions options;
    options.student = InSource("lab/models/student.gguf");
    options.responses = {folder_ + "/data.jsonl"};
    options.out = folder_ + "/out.gguf";
    return options;
  }
  static std::string Record(const TrainSftOptions& options) {
    auto record = RecordOf(options);
    EXPECT_TRUE(record) << record.error().message;
    return record.value_or("");
  }

  const std::string folder_ = testing::TempDir() + "train_settings_test_" + std::to_string(::getpid());
};

// The keys that earlier versions wrote into config.json and into model files.
TEST_F(TrainSettingsTest, TheRecordHasTheKeysThatItAlwaysHad) {
  const Json json = Json::parse(Record(Sft()));
  EXPECT_EQ(json["tessy_training"], "sft");
  EXPECT_EQ(json["student"]["file"], "student.gguf");
  ASSERT_EQ(json["data"].size(), 1U);
  EXPECT_EQ(json["data"][0]["file"], "data.jsonl");
  EXPECT_EQ(json["epochs"], 9);
  EXPECT_EQ(json["batch_size"], 128);
  EXPECT_EQ(json["lr"], 5e-5);
  EXPECT_EQ(json["schedule"], "cosine");
  EXPECT_EQ(json["family"], "by template");
  EXPECT_EQ(json["template_date"], "");
  EXPECT_EQ(json["system"], "");
  EXPECT_EQ(json["train_on"], "all");
  EXPECT_EQ(json["weights"], (Json{{"capability", 1.0}, {"style", 1.0}, {"thinking", 1.0}, {"answer", 1.0}}));
  for (const char* key : {"lr_floor", "beta2", "warmup_steps", "weight_decay", "clip", "steps", "seed",
                          "max_tokens", "lora_rank", "type"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"device", "threads", "precision", "micro_tokens", "save_every", "fresh", "out"}) {
    EXPECT_FALSE(json.contains(key)) << key;
  }
}

TEST_F(TrainSettingsTest, WhatAdaptersAreToldIsRecordedOnlyWithAdapters) {
  TrainSftOptions options = Sft();
  EXPECT_FALSE(Json::parse(Record(options)).contains("lora_alpha"));
  options.lora_rank = 8;
  const Json json = Json::parse(Record(options));
  EXPECT_EQ(json["lora_alpha"], 16.0);
  EXPECT_EQ(json["lora_targets"].size(), 7U);
}

// An edited file of the same name was accepted: the record had its path alone.
TEST_F(TrainSettingsTest, AnEditedFamilyFileIsAnotherFamily) {
  TrainSftOptions options = Sft();
  options.family = folder_ + "/family.toml";
  Write("family.toml", "name = \"one\"\n");
  const std::string before = Record(options);
  Write("family.toml", "name = \"two\"\n");
  EXPECT_THAT(DifferenceOf(before, Record(options)), HasSubstr("family"));
}

TEST_F(TrainSettingsTest, ARecordOfAnEarlierVersionAgrees) {
  TrainSftOptions options = Sft();
  options.family = folder_ + "/family.toml";
  Write("family.toml", "name = \"one\"\n");
  const std::string now = Record(options);
  Json earlier = Json::parse(now);
  earlier["family"] = options.family;
  EXPECT_EQ(DifferenceOf(AsRecordedNow(options, earlier.dump(), now), now), "");
}

TEST_F(TrainSettingsTest, WhatIsMissingIsNamedByItsFlag) {
  TrainSftOptions sft = Sft();
  EXPECT_TRUE(CheckOptions(sft));
  sft.responses.clear();
  EXPECT_THAT(CheckOptions(sft).error().message, HasSubstr("--responses is missing"));
  EXPECT_THAT(CheckOptions(TrainBoundaryOptions()).error().message, HasSubstr("--annotations is missing"));
}

}  // namespace
}  // namespace tessy
