#include "train/torch/kernels.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "train/torch/row_kernels.h"

namespace tessy {
namespace {

using torch::Tensor;

constexpr double kEpsilon = 1e-6;

Tensor Random(std::vector<int64_t> shape, uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return torch::randn(shape, generator, torch::kFloat32);
}

// Runs both on equal inputs and compares the results and the gradients of a random weighing of them.
template <class A, class B>
void ExpectSame(const A& ours, const B& composed, const std::vector<Tensor>& inputs,
                double tolerance = 2e-5) {
  std::vector<Tensor> a;
  std::vector<Tensor> b;
  for (const Tensor& input : inputs) {
    a.push_back(input.clone().set_requires_grad(true));
    b.push_back(input.clone().set_requires_grad(true));
  }
  const Tensor y = ours(a);
  const Tensor z = composed(b);
  ASSERT_EQ(y.sizes(), z.sizes());
  EXPECT_TRUE(torch::allclose(y, z, tolerance, tolerance)) << (y - z).abs().max();
  const Tensor weighing = Random(y.sizes().vec(), 99);
  (y * weighing).sum().backward();
  (z * weighing).sum().backward();
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i].grad(), b[i].grad(), tolerance, tolerance))
        << "input " << i << ": " << (a[i].grad() - b[i].grad()).abs().max();
  }
}

class KernelsTest : public testing::TestWithParam<int> {
 protected:
  KernelsTest() : threads_(at::get_num_threads()) { at::set_num_threads(GetParam()); }
  ~KernelsTest() override { at::set_num_threads(threads_); }

 private:
  int threads_;
};

TEST_P(KernelsTest, RmsNormIsThatOfItsParts) {
  for (const int64_t width : {1, 7, 64, 130}) {
    ExpectSame([](const auto& x) { return RmsNorm(x[0], x[1], kEpsilon); },
               [](const auto& x) { return composed::RmsNorm(x[0], x[1], kEpsilon); },
               {Random({5, 211, width}, 1), Random({width}, 2)}, 1e-4);
  }
}

TEST_P(KernelsTest, NormAndRotateIsThatOfItsParts) {
  for (const int64_t width : {2, 16, 18}) {
    const auto [cosines, sines] = RotaryTable(37, width, 1e4, torch::kCPU);
    ExpectSame([&](const auto& x) { return NormAndRotate(x[0], x[1], cosines, sines, kEpsilon); },
               [&](const auto& x) { return composed::NormAndRotate(x[0], x[1], cosines, sines, kEpsilon); },
               {Random({3, 37, 6, width}, 3), Random({width}, 4)}, 1e-4);
  }
}

TEST_P(KernelsTest, CausalAttentionIsThatOfItsParts) {
  for (const int64_t length : {1, 2, 33}) {
    for (const int64_t kv_heads : {1, 2, 4}) {
      ExpectSame([](const auto& x) { return CausalAttention(x[0], x[1], x[2]); },
                 [](const auto& x) { return composed::CausalAttention(x[0], x[1], x[2]); },
                 {Random({3, 4, length, 8}, 5), Random({3, kv_heads, length, 8}, 6),
                  Random({3, kv_heads, length, 8}, 7)});
    }
  }
}

TEST_P(KernelsTest, AttentionOfViewsIsThatOfCopies) {
  const Tensor value = Random({2, 9, 2, 8}, 8);
  const Tensor query = Random({2, 4, 9, 8}, 9);
  const Tensor key = Random({2, 2, 9, 8}, 10);
  EXPECT_TRUE(torch::equal(CausalAttention(query, key, value.transpose(1, 2)),
                           CausalAttention(query, key, value.transpose(1, 2).contiguous())));
}

TEST_P(KernelsTest, GatedSiluIsThatOfItsParts) {
  ExpectSame([](const auto& x) { return GatedSilu(x[0], x[1]); },
             [](const auto& x) { return composed::GatedSilu(x[0], x[1]); },
             {Random({3, 17, 40}, 11) * 5.0, Random({3, 17, 40}, 12)});
}

TEST_P(KernelsTest, FarFromZeroNothingOverflows) {
  const Tensor gate = torch::tensor({-200.0F, -90.0F, 0.0F, 90.0F, 200.0F});
  const Tensor y = GatedSilu(gate, torch::ones({5}));
  EXPECT_TRUE(torch::allclose(y, torch::tensor({0.0F, 0.0F, 0.0F, 90.0F, 200.0F}))) << y;
  const Tensor scores = Random({1, 1, 6, 4}, 13) * 1e4;
  EXPECT_TRUE(torch::isfinite(CausalAttention(scores, scores, scores)).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Threads, KernelsTest, testing::Values(1, 2));

TEST(RotaryTableTest, IsExactFarOut) {
  const auto [cosines, sines] = RotaryTable(40000, 64, 1e6, torch::kCPU);
  for (const int64_t position : {1, 39999}) {
    for (const int64_t i : {0, 5, 31}) {
      const double angle =
          static_cast<double>(position) * std::pow(1e6, -2.0 * static_cast<double>(i) / 64.0);
      EXPECT_NEAR(cosines[position][i].item<double>(), std::cos(angle), 1e-7);
      EXPECT_NEAR(sines[position][i].item<double>(), std::sin(angle), 1e-7);
    }
  }
}

TEST(AdamWTest, StepsAsPyTorchDoes) {
  const Tensor start = Random({1000}, 14);
  Tensor theirs = start.clone().set_requires_grad(true);
  torch::optim::AdamW optimizer(
      {theirs}, torch::optim::AdamWOptions(1e-2).betas({0.9, 0.98}).eps(1e-8).weight_decay(0.1));
  Tensor ours = start.clone();
  Tensor first = torch::zeros({1000});
  Tensor second = torch::zeros({1000});
  for (int step = 1; step <= 20; ++step) {
    const Tensor gradient = Random({1000}, 100 + static_cast<uint64_t>(step)) * 3.0;
    theirs.mutable_grad() = gradient.clone();
    optimizer.step();
    const rows::AdamWStep options{
        .rate = 1e-2F,
        .beta1 = 0.9F,
        .beta2 = 0.98F,
        .epsilon = 1e-8F,
        .decay = 1.0F - 1e-2F * 0.1F,
        .gradient_scale = 1.0F,
        .first_correction = static_cast<float>(1.0 - std::pow(0.9, step)),
        .second_correction = static_cast<float>(std::sqrt(1.0 - std::pow(0.98, step)))};
    rows::AdamW(options, ours.data_ptr<float>(), gradient.data_ptr<float>(), first.data_ptr<float>(),
                second.data_ptr<float>(), 0, 1000);
    ASSERT_TRUE(torch::allclose(ours, theirs, 1e-5, 1e-6)) << "step " << step;
  }
}

}  // namespace
}  // namespace tessy
