#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "train/testing/random_examples.h"

namespace tessy {
namespace {

using testing::HasSubstr;

TrainerOptions SmallOptions(int64_t classes = 0) {
  TrainerOptions options;
  options.classes = classes;
  options.epochs = 20;
  options.batch = 8;
  options.rate = 1e-2;
  options.threads = 1;
  options.micro_tokens = 100;
  return options;
}

std::unique_ptr<Trainer> Started(const Checkpoint& base, std::span<const Example> examples,
                                 const TrainerOptions& options) {
  auto trainer = Trainer::Create(base, examples, options);
  EXPECT_TRUE(trainer) << trainer.error().message;
  return std::move(*trainer);
}

double TrainToTheEnd(Trainer& trainer) {
  double loss = 0.0;
  while (trainer.step() < trainer.steps()) loss = trainer.Step().value().loss;
  return loss;
}

TEST(TrainerTest, AClassifierLearnsARule) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(64, true);
  auto trainer = Started(base, examples, SmallOptions(2));
  EXPECT_EQ(trainer->steps(), 160U);
  EXPECT_NEAR(trainer->Step().value().loss, std::log(2.0), 0.1);
  EXPECT_LT(TrainToTheEnd(*trainer), 0.02);
  const auto fresh = RandomExamples(16, true, 1234);
  const auto predictions = trainer->Predict(fresh).value();
  size_t asked = 0;
  size_t right = 0;
  for (size_t e = 0; e < fresh.size(); ++e) {
    for (size_t i = 0; i < fresh[e].size(); ++i) {
      const float p_style = predictions[e].p_style[i];
      if (fresh[e].targets[i] == Example::kIgnored) {
        EXPECT_TRUE(std::isnan(p_style));
      } else {
        ++asked;
        right += (p_style > 0.5F) == (fresh[e].targets[i] == 1) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(right * 100, asked * 95);
}

TEST(TrainerTest, ALanguageModelLearnsItsExamplesByHeart) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(8, false);
  TrainerOptions options = SmallOptions();
  options.epochs = 300;
  auto trainer = Started(base, examples, options);
  EXPECT_GT(trainer->Step().value().loss, 3.0);
  EXPECT_LT(TrainToTheEnd(*trainer), 0.5);
}

// What goes through the model at once is a matter of memory: the step is the same but for rounding.
TEST(TrainerTest, MicroBatchesDoNotChangeTheStep) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(24, false);
  TrainerOptions options = SmallOptions();
  options.micro_tokens = 1 << 20;
  auto whole = Started(base, examples, options);
  options.micro_tokens = 1;
  auto one_by_one = Started(base, examples, options);
  for (int i = 0; i < 3; ++i) {
    const StepReport a = whole->Step().value();
    const StepReport b = one_by_one->Step().value();
    EXPECT_NEAR(a.loss, b.loss, 1e-5);
    EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-4 * a.gradient_norm);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.losses.counts, b.losses.counts);
  }
}

TEST(TrainerTest, WeightsSayWhatIsLearntAndLossesAreReportedApart) {
  const RandomCheckpoint base(SmallShape());
  auto examples = RandomExamples(16, false);
  for (Example& example : examples) {
    for (size_t i = 0; i < example.size(); ++i) {
      if (example.kinds[i] == TargetKind::kStyle) example.weights[i] = 0.0F;
    }
  }
  TrainerOptions options = SmallOptions();
  options.epochs = 150;
  auto trainer = Started(base, examples, options);
  const StepReport first = trainer->Step().value();
  EXPECT_NEAR(first.loss, first.losses.MeanOf(TargetKind::kCapability), 1e-4);
  StepReport last;
  while (trainer->step() < trainer->steps()) last = trainer->Step().value();
  EXPECT_LT(last.losses.MeanOf(TargetKind::kCapability), 1.0);
  EXPECT_GT(last.losses.MeanOf(TargetKind::kStyle), 3.0);
}

TEST(TrainerTest, RestoredItGoesOnToTheBit) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(40, false);
  TrainerOptions options = SmallOptions();
  options.epochs = 4;
  options.cosine = true;
  options.warmup_steps = 3;
  auto undisturbed = Started(base, examples, options);
  TrainToTheEnd(*undisturbed);
  for (const int stop : {1, 5, 7, 19}) {
    auto before = Started(base, examples, options);
    for (int i = 0; i < stop; ++i) ASSERT_TRUE(before->Step());
    const TrainerState state = before->Save();
    before.reset();
    auto after = Started(base, examples, options);
    ASSERT_TRUE(after->Restore(state));
    EXPECT_EQ(after->step(), static_cast<uint64_t>(stop));
    TrainToTheEnd(*after);
    EXPECT_EQ(after->Save().values, undisturbed->Save().values) << "after " << stop << " steps";
  }
}

TEST(TrainerTest, AForeignCheckpointIsRefused) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(4, false);
  auto trainer = Started(base, examples, SmallOptions());
  TrainerState state = trainer->Save();
  state.values.pop_back();
  const auto status = trainer->Restore(state);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("numbers, but the model has"));
}

TEST(TrainerTest, AdaptersStartAtTheBaseAndMerge) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(8, false);
  TrainerOptions options = SmallOptions();
  options.epochs = 100;
  auto full = Started(base, examples, options);
  options.lora = {.rank = 4, .alpha = 8.0, .targets = {"q_proj", "v_proj", "down_proj"}};
  auto adapted = Started(base, examples, options);
  EXPECT_LT(adapted->trained_parameters(), full->trained_parameters() / 2);
  const double before = adapted->Predict(examples).value()[0].loss[0];
  EXPECT_FLOAT_EQ(static_cast<float>(before), full->Predict(examples).value()[0].loss[0]);

  EXPECT_LT(TrainToTheEnd(*adapted), 2.5);
  size_t changed = 0;
  for (const TensorSpec& tensor : TensorsOf(SmallShape())) {
    if (adapted->Read(tensor).value() != base.Read(tensor).value()) ++changed;
  }
  EXPECT_EQ(changed, 6U);  // three matrices of two layers

  // The merged model says what the adapted one says.
  class Merged final : public Checkpoint {
   public:
    explicit Merged(const Trainer& trainer) : trainer_(trainer), shape_(trainer.shape()) {}
    const Qwen3Shape& shape() const override { return shape_; }
    WeightType type() const override { return WeightType::kF32; }
    Metadata provenance() const override { return {}; }
    Result<std::vector<float>> Read(const TensorSpec& tensor) const override { return trainer_.Read(tensor); }

   private:
    const Trainer& trainer_;
    Qwen3Shape shape_;
  };
  const Merged merged(*adapted);
  options.lora = {};
  auto reloaded = Started(merged, examples, options);
  const auto a = adapted->Predict(examples).value();
  const auto b = reloaded->Predict(examples).value();
  for (size_t e = 0; e < examples.size(); ++e) {
    for (size_t i = 0; i + 1 < examples[e].size(); ++i) EXPECT_NEAR(a[e].loss[i], b[e].loss[i], 1e-4);
  }
}

TEST(TrainerTest, UnknownAdapterTargetsAndDevicesAreErrors) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(4, false);
  TrainerOptions options = SmallOptions();
  options.lora = {.rank = 4, .alpha = 8.0, .targets = {"q_norm"}};
  auto trainer = Trainer::Create(base, examples, options);
  ASSERT_FALSE(trainer);
  EXPECT_THAT(trainer.error().message, HasSubstr("LoRA target q_norm"));
  options = SmallOptions();
  options.device = "abacus";
  trainer = Trainer::Create(base, examples, options);
  ASSERT_FALSE(trainer);
  EXPECT_EQ(trainer.error().message.find('\n'), std::string::npos);
}

TEST(TrainerTest, AHeadOfOtherClassesIsRefused) {
  const RandomCheckpoint three(SmallShape(3));
  const auto examples = RandomExamples(4, true);
  auto trainer = Trainer::Create(three, examples, SmallOptions(2));
  ASSERT_FALSE(trainer);
  EXPECT_THAT(trainer.error().message, HasSubstr("classifier of 3 classes"));
}

TEST(TrainerTest, ALossThatIsNoNumberStopsTheTraining) {
  const RandomCheckpoint base(SmallShape());
  const auto examples = RandomExamples(16, false);
  TrainerOptions options = SmallOptions();
  options.rate = 1e30;
  options.clip = 0.0;
  auto trainer = Started(base, examples, options);
  Result<StepReport> report = trainer->Step();
  for (int i = 0; i < 10 && report; ++i) report = trainer->Step();
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("lower --lr"));
}

}  // namespace
}  // namespace tessy
