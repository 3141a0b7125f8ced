#include "model/llama/fit_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/llama/accelerators.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kMib = uint64_t{1} << 20;

// 10 layers of 100 MiB with 32 KiB of F16 cache a token (of 320 KiB in all), and 50 MiB of output.
ModelShape Shape(uint64_t experts_mib = 0) {
  ModelShape shape;
  shape.layers.assign(10, {.weights = 100 * kMib, .experts = experts_mib * kMib, .cache_values = 16 * 1024});
  shape.output = 50 * kMib;
  shape.elsewhere = 60 * kMib;
  shape.holds_q8_0 = true;
  return shape;
}

// A pair of them, all on the device.
FitQuestion Question(uint64_t device_mib, uint64_t ram_mib = 16 * 1024) {
  FitQuestion question{
      .parts = {}, .ram_bytes = ram_mib * kMib, .device_bytes = device_mib * kMib, .context_tokens = 8192};
  for (const char* name : {"student", "teacher"}) {
    question.parts.push_back({.name = name,
                              .layers_flag = std::string(name) + "-gpu-layers",
                              .shape = Shape(),
                              .gpu_layers = kAllLayers});
  }
  return question;
}

std::string Why(const FitQuestion& question) {
  const auto status = CheckOneSampleFits(question);
  if (status) return "";
  EXPECT_EQ(status.error().code, ErrorCode::kResourceLimit);
  EXPECT_THAT(status.error().message, Not(HasSubstr("\n")));
  return status.error().message;
}

// A part takes 1050 MiB of weights and 2560 MiB of cache on the device.
TEST(FitAdvice, ToTheByte) {
  EXPECT_EQ(Why(Question(7220, 120)), "");
  EXPECT_THAT(Why(Question(7219, 120)), HasSubstr("does not fit in memory"));
  EXPECT_THAT(Why(Question(7220, 119)), HasSubstr("does not fit in memory"));
}

TEST(FitAdvice, SizesOfEveryPartAndPlaceAreTold) {
  EXPECT_THAT(Why(Question(6000)),
              AllOf(HasSubstr("not even one sample fits at context 8192"),
                    HasSubstr("student 3.6 GiB (3.5 GiB of it on the device)"), HasSubstr("teacher 3.6 GiB"),
                    HasSubstr("120.0 MiB of 16.0 GiB of RAM, 7.1 GiB of 5.9 GiB on the device"),
                    HasSubstr("raise --memory")));
}

// Of 6000 MiB 3900 are left for the caches; 8192 tokens take 5120 in F16 and 2720 in q8_0. 3900 MiB hold
// 6240 tokens of F16.
TEST(FitAdvice, WaysThatChangeLeastComeFirst) {
  EXPECT_THAT(Why(Question(6000)),
              HasSubstr("it would fit with --cache-type q8_0, or with --context 6144, or with "
                        "--student-gpu-layers 7"));
}

// What is advised is so: the next layer would be too many.
TEST(FitAdvice, AsManyLayersAsFitAreAdvised) {
  FitQuestion question = Question(6000);
  question.parts[0].gpu_layers = 7;
  EXPECT_EQ(Why(question), "");
  question.parts[0].gpu_layers = 8;
  EXPECT_NE(Why(question), "");
}

TEST(FitAdvice, ASmallerCacheAloneMayNotDo) {
  // 2700 MiB for caches: q8_0 takes 2720 at 8192 tokens.
  EXPECT_THAT(Why(Question(4800)),
              HasSubstr("with --context 4096, or with --context 7936 --cache-type q8_0"));
  FitQuestion question = Question(4800);
  question.context_tokens = 4096;
  EXPECT_EQ(Why(question), "");
  question.context_tokens = 7936;
  question.cache = CacheType::kQ8_0;
  EXPECT_EQ(Why(question), "");
}

TEST(FitAdvice, ACacheThatHeadsDoNotAllowIsNotAdvised) {
  FitQuestion question = Question(6000);
  question.parts[1].shape.holds_q8_0 = false;
  EXPECT_THAT(Why(question), Not(HasSubstr("q8_0")));
  question = Question(6000);
  question.cache = CacheType::kF32;  // of --exact
  EXPECT_THAT(Why(question), Not(HasSubstr("q8_0")));
}

TEST(FitAdvice, ExpertsMayStayInRam) {
  FitQuestion question = Question(6000);
  question.parts[1].shape = Shape(80);
  for (FitPart& part : question.parts) part.shape.holds_q8_0 = false;
  question.context_tokens = 1000;
  question.device_bytes = 2000 * kMib;
  EXPECT_THAT(Why(question), HasSubstr("it would fit with --cpu-moe, or with --student-gpu-layers "));
  question.ram_bytes = 900 * kMib;
  EXPECT_THAT(Why(question), Not(HasSubstr("--cpu-moe, or"))) << "RAM has no room for 800 MiB more";
}

TEST(FitAdvice, SeveralChangesTogetherWhereOneDoesNotDo) {
  // Neither pair's part can leave enough on its own: all in RAM, with a shorter context.
  EXPECT_THAT(Why(Question(100, 4000)), HasSubstr("--student-gpu-layers 0 --teacher-gpu-layers 0"));
  FitQuestion question = Question(100, 4000);
  for (FitPart& part : question.parts) part.layers_flag = "gpu-layers";
  EXPECT_THAT(Why(question), AllOf(HasSubstr("--context "), HasSubstr("--gpu-layers 0"),
                                   Not(HasSubstr("--gpu-layers 0 --gpu-layers 0"))));
}

TEST(FitAdvice, ModelsThatAreTooLargeAreToldSo) {
  const std::string why = Why(Question(100, 1000));
  EXPECT_THAT(why, HasSubstr("raise --memory, or take smaller models"));
  EXPECT_THAT(why, Not(HasSubstr("it would fit")));
}

TEST(FitAdvice, OneFileIsCountedOnce) {
  FitQuestion question = Question(6170, 60);
  question.parts[1].same_file = 0;
  EXPECT_EQ(Why(question), "");
  question.device_bytes -= kMib;
  question.ram_bytes = 16 * 1024 * kMib;  // where layers may lie
  const std::string why = Why(question);
  EXPECT_NE(why, "");
  // Layers of a file that is loaded once have one number.
  const size_t student = why.find("--student-gpu-layers ");
  ASSERT_NE(student, std::string::npos) << why;
  const std::string layers = why.substr(student + std::string("--student-gpu-layers ").size(), 2);
  EXPECT_THAT(why, HasSubstr("--teacher-gpu-layers " + layers));
}

TEST(FitAdvice, APredictorsWindowDoesNotFollowTheContext) {
  FitQuestion question = Question(4740);
  question.parts[1].context_tokens = 256;  // 80 MiB
  EXPECT_EQ(Why(question), "") << Why(question);
  question.device_bytes -= 1;
  EXPECT_NE(Why(question), "");
}

TEST(FitAdvice, IntegratedDevicesTakeRam) {
  FitQuestion question = Question(0, 7340);
  question.devices_share_ram = true;
  EXPECT_EQ(Why(question), "");
  question.ram_bytes -= 1;
  EXPECT_THAT(Why(question), HasSubstr("which the device shares"));
}

TEST(FitAdvice, WithoutDevicesNoneIsSpokenOf) {
  FitQuestion question = Question(0, 6000);
  for (FitPart& part : question.parts) part.gpu_layers = 0;
  EXPECT_THAT(Why(question),
              AllOf(HasSubstr("--cache-type q8_0"), Not(HasSubstr("device")), Not(HasSubstr("gpu-layers"))));
}

}  // namespace
}  // namespace tessy
