#include "cast/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/source_tree.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kGib = uint64_t{1} << 30;

std::string Shipped(const std::string& name) { return InSource("lab/models/" + name + ".gguf"); }

// The shipped pair with its predictors, and a card of 4 GiB.
class FitTest : public testing::Test {
 protected:
  FitTest() {
    options_.models = {Shipped("student"), Shipped("teacher")};
    options_.boundaries = {Shipped("boundary-student"), "lexicon"};
    options_.memory_bytes = kGib;
    options_.layers[0].own_flag = "student-gpu-layers";
    options_.layers[1].own_flag = "teacher-gpu-layers";
    options_.boundary_layers[0].own_flag = "student-boundary-gpu-layers";
    options_.boundary_layers[1].own_flag = "teacher-boundary-gpu-layers";
  }
  std::string WhyNoLayers() const {
    const auto layers = LayersOf(options_, card_);
    return layers ? "" : layers.error().message;
  }
  std::string WhyNoFit() const {
    const auto status = CheckCastFits(options_, LayersOf(options_, card_).value(), card_);
    return status ? "" : status.error().message;
  }

  CastOptions options_;
  Accelerators card_{.backends = {"CUDA"},
                     .devices = {{.name = "CUDA0", .total_bytes = 4 * kGib, .free_bytes = 4 * kGib}}};
};

TEST_F(FitTest, EveryPartInProcessHasItsLayers) {
  const auto all = LayersOf(options_, card_);
  ASSERT_TRUE(all);
  EXPECT_THAT(all->players, ElementsAre(kAllLayers, kAllLayers));
  EXPECT_THAT(all->predictors, ElementsAre(kAllLayers, 0)) << "rules have none";
  options_.layers[1].layers = 2;
  options_.boundary_layers[0].layers = 0;
  const auto some = LayersOf(options_, card_);
  EXPECT_THAT(some->players, ElementsAre(kAllLayers, 2));
  EXPECT_THAT(some->predictors, ElementsAre(0, 0));
  card_ = {};
  EXPECT_THAT(WhyNoLayers(), HasSubstr("make build CUDA=1"));
  options_.method = FindMethod("student-only").value();
  EXPECT_EQ(WhyNoLayers(), "") << "the teacher is not asked";
}

TEST_F(FitTest, OneFileHasOneNumberOfLayers) {
  options_.models[1] = options_.models[0];
  EXPECT_EQ(WhyNoLayers(), "");
  options_.layers[1].layers = 2;
  EXPECT_THAT(WhyNoLayers(), AllOf(HasSubstr("--student-gpu-layers, --teacher-gpu-layers"),
                                   HasSubstr("student.gguf, which is loaded once")));
  options_.method = FindMethod("student-only").value();
  EXPECT_EQ(WhyNoLayers(), "");
}

TEST_F(FitTest, ShippedPairFits) {
  EXPECT_EQ(WhyNoFit(), "");
  card_ = {};
  EXPECT_EQ(WhyNoFit(), "");
}

// One GiB of a device is kept for what a computation takes.
TEST_F(FitTest, CardThatIsNearlyFullIsRefusedBeforeLoading) {
  card_.devices[0].free_bytes = kGib + (1 << 20);
  EXPECT_THAT(WhyNoFit(), AllOf(HasSubstr("not even one sample fits at context 256"), HasSubstr("student "),
                                HasSubstr("teacher "), HasSubstr("student predictor "),
                                HasSubstr("of 1.0 MiB on the device"), HasSubstr("-gpu-layers")));
  options_.layers[0].layers = options_.layers[1].layers = options_.boundary_layers[0].layers = 0;
  EXPECT_EQ(WhyNoFit(), "");
}

TEST_F(FitTest, CardWhoseMemoryIsNotKnownIsTried) {
  card_.devices[0].total_bytes = card_.devices[0].free_bytes = 0;
  EXPECT_EQ(WhyNoFit(), "");
}

TEST_F(FitTest, LittleRamIsRefusedBeforeLoading) {
  card_ = {};
  options_.memory_bytes = 1 << 20;
  EXPECT_THAT(WhyNoFit(),
              AllOf(HasSubstr("does not fit in memory: not even one sample fits"),
                    HasSubstr("of 1.0 MiB of RAM"), HasSubstr("raise --memory"), Not(HasSubstr("device"))));
}

TEST_F(FitTest, FilesThatCannotBeReadAreLeftToTheLoad) {
  options_.models[0] = "nowhere.gguf";
  EXPECT_EQ(WhyNoFit(), "");
}

TEST_F(FitTest, ContextIsWhatTheModelsKnow) {
  card_ = {};
  options_.context_tokens = 100;
  options_.memory_bytes = 1 << 20;
  EXPECT_THAT(WhyNoFit(), HasSubstr("at context 100"));
  options_.context_tokens = 1000000;
  EXPECT_THAT(WhyNoFit(), HasSubstr("at context 256"));
}

}  // namespace
}  // namespace tessy
