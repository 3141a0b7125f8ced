#include "job/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "job/annotate_options.h"
#include "job/common_settings.h"
#include "job/settings_record.h"
#include "job/synth_settings.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;
using testing::IsEmpty;

TEST(Setting, AHomeIsThatOfTheUser) {
  const char* old = std::getenv("HOME");
  const std::string home = old == nullptr ? "" : old;
  ::setenv("HOME", "/home/me", 1);
  SynthOptions options;
  AnnotateOptions annotate;
  const auto give = [](const Settings& settings, const char* key, const std::vector<std::string>& texts) {
    EXPECT_TRUE(Assign(*FindSetting(settings, key), texts));
  };
  const Settings synth = SynthSettings(options);
  give(synth, "student", {"~/student.gguf"});
  give(synth, "teacher", {"http://h/~/v1#m", "h:80/~/v1"});
  give(synth, "ca-file", {"~/certificates/c.pem"});
  give(synth, "questions", {"./~/q.jsonl"});
  give(synth, "checker", {"~/check"});
  give(AnnotateSettings(annotate), "annotator", {"phrases:~/p.txt"});
  give(synth, "student-system", {"@~/system.txt"});
  give(synth, "teacher-system", {"~/ is the home."});
  ::setenv("HOME", home.c_str(), 1);
  EXPECT_EQ(options.student_system, "@/home/me/system.txt");
  EXPECT_EQ(options.teacher_system, "~/ is the home.") << "a text is no path";
  EXPECT_THAT(options.student, testing::ElementsAre("/home/me/student.gguf"));
  EXPECT_THAT(options.teacher, testing::ElementsAre("http://h/~/v1#m", "h:80/~/v1"));
  EXPECT_EQ(options.servers.ca_file, "/home/me/certificates/c.pem");
  EXPECT_EQ(options.questions, "./~/q.jsonl");
  EXPECT_EQ(options.checker, "~/check") << "a shell runs it";
  EXPECT_EQ(annotate.annotator.model, "phrases:/home/me/p.txt");
}

TEST(Setting, ValuesAreCheckedBeforeTheyAreAssigned) {
  SynthOptions options;
  const Settings settings = SynthSettings(options);
  const auto give = [&](const char* key, const std::string& text) {
    const auto status = Assign(*FindSetting(settings, key), std::vector<std::string>{text});
    return status ? "" : status.error().message;
  };
  EXPECT_EQ(give("k", "7"), "");
  EXPECT_EQ(options.k, 7U);
  EXPECT_EQ(give("top-p", "0.25"), "");
  EXPECT_EQ(options.sampling.top_p, 0.25F);
  EXPECT_EQ(give("exact", "true"), "");
  EXPECT_TRUE(options.engine.exact);
  for (const auto& [text, layers] :
       {std::pair("-1", kAllLayers), {"all", kAllLayers}, {"0", 0}, {"36", 36}}) {
    EXPECT_EQ(give("gpu-layers", text), "");
    EXPECT_EQ(GpuLayersOf(options.engine.machine.gpu_layers), layers);
  }
  EXPECT_EQ(GpuLayersOf(""), std::nullopt);
  EXPECT_EQ(give("seed", "18446744073709551615"), "");
  EXPECT_EQ(options.seed, UINT64_MAX);
  for (const auto& [key, text] : {std::pair("k", "0"),
                                  {"k", "100001"},
                                  {"k", "7x"},
                                  {"k", ""},
                                  {"seed", "-1"},
                                  {"seed", "1.5"},
                                  {"seed", "18446744073709551616"},
                                  {"top-p", "nan"},
                                  {"top-p", "0"},
                                  {"temperature", "1e-50"},  // less than a float can be
                                  {"top-p", "high"},
                                  {"gpu-layers", "-2"},
                                  {"gpu-layers", "100001"},
                                  {"gpu-layers", "7x"},
                                  {"gpu-layers", ""},
                                  {"teacher-gpu-layers", "some"},
                                  {"cache-type", "f32"},
                                  {"exact", "yes"},
                                  {"cut", "anywhere"},
                                  {"template-date", "2026-1-1"}}) {
    EXPECT_THAT(give(key, text), testing::StartsWith(std::string("--") + key + ": ")) << text;
  }
  EXPECT_EQ(give("cut", "anywhere"), "--cut: anywhere not in {auto,complete_word,drop_word,token}");
  EXPECT_EQ(options.k, 7U);
  EXPECT_EQ(options.sampling.top_p, 0.25F);
}

TEST(Setting, OnlyListsTakeSeveralValues) {
  std::vector<std::string> list;
  std::string one;
  const Setting several{.key = "several", .value = &list, .help = "", .group = "", .delimiter = ','};
  const std::vector<std::string> texts{"a,b", "c"};
  EXPECT_TRUE(Assign(several, texts));
  EXPECT_THAT(list, testing::ElementsAre("a", "b", "c"));
  EXPECT_FALSE(Assign({.key = "one", .value = &one, .help = "", .group = ""}, texts));
}

TEST(Settings, KeysAreUniqueAndTheHelpIsInAGoodOrder) {
  SynthOptions synth;
  AnnotateOptions annotate;
  for (const Settings& settings : {SynthSettings(synth), AnnotateSettings(annotate)}) {
    std::set<std::string> keys;
    std::vector<std::string> groups;
    for (const Setting& setting : settings) {
      EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
      EXPECT_THAT(setting.help, testing::Not(IsEmpty())) << setting.key;
      if (groups.empty() || groups.back() != setting.group) groups.push_back(setting.group);
    }
    EXPECT_EQ(groups.front(), "Input and output");
    EXPECT_EQ(groups.back(), "Servers");
    EXPECT_EQ(std::set(groups.begin(), groups.end()).size(), groups.size()) << "a group in two parts";
  }
}

class RecordTest : public testing::Test {
 protected:
  RecordTest() { std::filesystem::create_directories(folder_); }
  ~RecordTest() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name) << content;
    return folder_ + "/" + name;
  }
  Json Record() { return Json::parse(RecordOf(options_, *FindMethod(options_.method)).value()); }

  const std::string folder_ = testing::TempDir() + "record_test_" + std::to_string(getpid());
  SynthOptions options_;
};

TEST_F(RecordTest, ServedModelsAreKnownByTheirNames) {
  options_.student = {"http://a:8000/v1#qwen3", "http://b:8000/v1#qwen3"};
  options_.student_vocabulary = "vocabulary.gguf";
  options_.teacher = {"http://a:8001/v1"};
  const Json record = Record();
  EXPECT_EQ(record["student"], (Json{{"server", "qwen3"}, {"prompts", "token ids"}}));
  EXPECT_EQ(record["teacher"], (Json{{"server", "http://a:8001/v1"}}));
  EXPECT_EQ(record["student_boundary"], "lexicon");
  EXPECT_EQ(record["student_family"], "by template");
}

TEST_F(RecordTest, FamilyFilesAreKnownByTheirContent) {
  options_.student = {"http://a:8000/v1#qwen3"};
  options_.student_family = Write("my.toml", "a");
  const Json before = Record();
  EXPECT_EQ(before["student_family"]["file"], "my.toml");
  Write("my.toml", "b");
  EXPECT_NE(Record(), before);
  options_.student_family = "qwen3";
  EXPECT_EQ(Record()["student_family"], "qwen3");
}

TEST_F(RecordTest, WhatHasNoEffectIsNotRecorded) {
  for (const char* key : {"k", "candidates", "keep", "checker", "score_by", "output_format", "limit"}) {
    EXPECT_FALSE(Record().contains(key)) << key;
  }
  options_.keep = "correct";
  options_.candidates = 1;
  EXPECT_EQ(Record()["keep"], "correct");
  EXPECT_EQ(Record()["candidates"], 1);
  options_.candidates = 0;
  EXPECT_EQ(Record()["candidates"], 5);
  options_.draft = "rollback";
  EXPECT_EQ(Record()["k"], 20);
}

// Runs that were begun before there was a choice have no record of it.
TEST_F(RecordTest, CacheTypeBindsWhereItIsNotTheUsualOne) {
  EXPECT_FALSE(Record().contains("cache_type"));
  options_.engine.cache_type = "q8_0";
  EXPECT_EQ(Record()["cache_type"], "q8_0");
}

TEST_F(RecordTest, WhereModelsLieBindsNothing) {
  const Json before = Record();
  options_.engine.machine.gpu_layers = "all";
  options_.engine.machine.cpu_experts = true;
  options_.teacher_gpu_layers = "3";
  EXPECT_EQ(Record(), before);
}

TEST(CastOptions, LayersOfOneModelWin) {
  SynthOptions options;
  options.student = {"s.gguf"};
  options.teacher = {"t.gguf"};
  options.engine.machine.gpu_layers = "5";
  options.teacher_gpu_layers = "all";
  options.student_boundary_gpu_layers = "0";
  const auto cast = CastOptionsOf(options, DefaultMethod());
  ASSERT_TRUE(cast);
  EXPECT_EQ(cast->layers[0].layers, 5);
  EXPECT_EQ(cast->layers[0].flag, "gpu-layers");
  EXPECT_EQ(cast->layers[0].own_flag, "student-gpu-layers");
  EXPECT_EQ(cast->layers[1].layers, kAllLayers);
  EXPECT_EQ(cast->layers[1].flag, "teacher-gpu-layers");
  EXPECT_EQ(cast->boundary_layers[0].layers, 0);
  EXPECT_EQ(cast->boundary_layers[1].layers, 5);
  options.engine.machine.gpu_layers = "";
  EXPECT_EQ(CastOptionsOf(options, DefaultMethod())->layers[0].layers, std::nullopt);
}

TEST(CastOptions, WhatContradictsIsRefused) {
  SynthOptions options;
  options.student = {"s.gguf"};
  options.teacher = {"http://h/v1#t"};
  options.teacher_gpu_layers = "3";
  const auto served = CastOptionsOf(options, DefaultMethod());
  ASSERT_FALSE(served);
  EXPECT_THAT(served.error().message, testing::StartsWith("--teacher-gpu-layers: "));
  options.teacher_gpu_layers = "";
  options.engine.cache_type = "q8_0";
  EXPECT_EQ(CastOptionsOf(options, DefaultMethod())->cache_type, CacheType::kQ8_0);
  options.engine.exact = true;
  const auto exact = CastOptionsOf(options, DefaultMethod());
  ASSERT_FALSE(exact);
  EXPECT_THAT(exact.error().message, testing::StartsWith("--cache-type q8_0: "));
}

TEST_F(RecordTest, RecordsOfEarlierVersionsAreReadAsThoseOfThisOne) {
  AnnotateOptions options;
  options.responses = Write("r.jsonl", "{}\n");
  options.annotator.model = "http://b:8000/v1#judge";
  options.annotator.family = Write("my.toml", "a");
  options.annotator.template_date = "2026-01-02";
  const Settings settings = AnnotateSettings(options);
  const std::string now = RecordOf(settings, "tessy_annotations", "1").value();
  Json earlier = Json::parse(now);
  earlier["annotator"]["server"] = "http://a:8000/v1#judge";
  earlier["family"] = options.annotator.family;
  earlier.erase("template_date");
  const auto read = nlohmann::json::parse(AsRecordedNow(settings, earlier.dump(), now));
  EXPECT_EQ(read, nlohmann::json::parse(now));
  earlier["family"] = "other.toml";
  earlier["annotator"]["server"] = "http://a:8000/v1#other";
  const Json other = Json::parse(AsRecordedNow(settings, earlier.dump(), now));
  EXPECT_EQ(other["family"], "other.toml");
  EXPECT_EQ(other["annotator"]["server"], "other");
  EXPECT_EQ(AsRecordedNow(settings, "torn", now), "torn");
}

TEST_F(RecordTest, SettingsThatAreNotGivenHaveAMeaning) {
  SynthOptions options;
  const UnsetTexts texts = UnsetTextsOf(SynthSettings(options));
  const auto text = [&](const char* key) { return texts.contains(key) ? texts.at(key) : "(none)"; };
  EXPECT_EQ(text("context"), "default (what the models know, at most 40960)");
  EXPECT_EQ(text("reasoning_effort"), "default (high)");
  EXPECT_EQ(text("thinking"), "on");
  EXPECT_EQ(text("close_thinking"), "fail");
  EXPECT_EQ(text("cache_type"), "f16");
  EXPECT_EQ(text("seed"), "(none)") << "0 is a seed";
  EXPECT_EQ(text("temperature"), "(none)") << "and 0 a temperature";
  EXPECT_EQ(text("memory"), "(none)") << "no run is bound to it";
}

TEST_F(RecordTest, ATextIsFoundInARecord) {
  EXPECT_EQ(RecordedText(R"({"template_date":"2026-01-02","seed":5})", "template_date"), "2026-01-02");
  EXPECT_EQ(RecordedText(R"({"seed":5})", "seed"), "");
  EXPECT_EQ(RecordedText("", "seed"), "");
}

}  // namespace
}  // namespace tessy
