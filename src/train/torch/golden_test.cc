// The decoder and its training beside Hugging Face transformers' (tools/oracle).
#include "weights/testing/golden.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "train/torch/trainable_model.h"
#include "train/trainer.h"

namespace tessy {
namespace {

constexpr double kTolerance = 1e-4;

class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  GoldenTest() : golden_(LoadGolden(GetParam())) {}

  // A language model's output foretells the next token; a classifier's label stands where it is asked for.
  std::vector<Example> Examples() const {
    const bool shifted = golden_.checkpoint->shape().classes == 0;
    std::vector<Example> examples;
    for (size_t row = 0; row < golden_.tokens.size(); ++row) {
      Example example;
      example.tokens = golden_.tokens[row];
      const auto& labels = golden_.labels[row];
      for (size_t i = 0; i < example.tokens.size(); ++i) {
        const size_t from = i + (shifted ? 1 : 0);
        const int32_t label = from < labels.size() ? labels[from] : -100;
        example.targets.push_back(label < 0 ? Example::kIgnored : label);
        example.weights.push_back(label < 0 ? 0.0F : 1.0F);
        example.kinds.push_back(TargetKind::kThinking);
      }
      examples.push_back(example);
    }
    return examples;
  }

  Golden golden_;
};

void ExpectNear(const std::vector<float>& found, const std::vector<float>& due, double tolerance,
                const std::string& what) {
  ASSERT_EQ(found.size(), due.size()) << what;
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], due[i], tolerance) << what << " at " << i;
}

TEST_P(GoldenTest, StatesAndOutputsAreThoseOfTransformers) {
  const auto model =
      TrainableModel::Load(*golden_.checkpoint, {.classes = golden_.checkpoint->shape().classes}).value();
  const torch::NoGradGuard no_gradients;
  for (size_t row = 0; row < golden_.tokens.size(); ++row) {
    const auto length = static_cast<int64_t>(golden_.tokens[row].size());
    const torch::Tensor tokens = torch::tensor(golden_.tokens[row], torch::kInt64).view({1, length});
    const torch::Tensor hidden = model->decoder().Hidden(tokens)[0];
    const torch::Tensor outputs = model->decoder().Outputs(hidden);
    const auto values = [](const torch::Tensor& x) {
      const torch::Tensor flat = x.contiguous();
      return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
    };
    for (int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<size_t>(i);
      ExpectNear(values(hidden[i]), golden_.HiddenAt(row, at), kTolerance, "state");
      ExpectNear(values(outputs[i]), golden_.LogitsAt(row, at), kTolerance, "output");
    }
  }
}

TEST_P(GoldenTest, LossGradientsAndOneStepAreThoseOfTransformers) {
  const auto examples = Examples();
  TrainerOptions options;
  options.classes = golden_.checkpoint->shape().classes;
  options.batch = examples.size();
  options.rate = golden_.rate;
  options.weight_decay = golden_.weight_decay;
  options.epsilon = golden_.epsilon;
  options.clip = 0.0;
  options.threads = 1;
  auto trainer = Trainer::Create(*golden_.checkpoint, examples, options).value();
  const StepReport report = trainer->Step().value();
  EXPECT_NEAR(report.loss, golden_.loss, kTolerance);
  EXPECT_NEAR(report.gradient_norm, golden_.gradient_norm, kTolerance * golden_.gradient_norm);
  const auto stepped = SafetensorsFile::Open(golden_.folder + "/stepped.safetensors").value();
  for (const TensorSpec& tensor : TensorsOf(trainer->shape())) {
    const auto* due = stepped.Find(tensor.name);
    ASSERT_NE(due, nullptr) << tensor.name;
    const auto before = golden_.checkpoint->Read(tensor).value();
    const auto after = trainer->Read(tensor).value();
    ExpectNear(after, stepped.ReadFloats(*due).value(), kTolerance, tensor.name);
    EXPECT_NE(before, after) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest, testing::ValuesIn(kGoldens),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tessy
