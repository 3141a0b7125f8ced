#include "model/llama/model_shape.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/llama/accelerators.h"
#include "model/llama/testing/test_models.h"
#include "model/llama/vocabulary_bytes.h"

namespace tessy {
namespace {

using Sizes = std::vector<std::pair<std::string, size_t>>;

std::vector<GgufFile::Tensor> Tensors(const Sizes& sizes) {
  std::vector<GgufFile::Tensor> tensors;
  for (const auto& [name, bytes] : sizes) {
    tensors.emplace_back();
    tensors.back().name = name;
    tensors.back().bytes = bytes;
  }
  return tensors;
}

// A mixture of three layers: 100, 1,100 (of them 1,000 of experts) and 300 bytes.
const Sizes kMixture{{"token_embd.weight", 7000},
                     {"output_norm.weight", 5},
                     {"output.weight", 6000},
                     {"blk.0.attn_q.weight", 40},
                     {"blk.0.ffn_up.weight", 60},
                     {"blk.1.attn_q.weight", 90},
                     {"blk.1.ffn_gate_inp.weight", 3},
                     {"blk.1.ffn_up_shexp.weight", 7},  // shared experts are always asked
                     {"blk.1.ffn_up_exps.weight", 300},
                     {"blk.1.ffn_gate_exps.weight", 300},
                     {"blk.1.ffn_down_exps.weight", 300},
                     {"blk.1.ffn_down_exps.bias", 40},
                     {"blk.1.ffn_gate_up_exps.weight", 60},
                     {"blk.2.ffn_up_chexps.weight", 200},
                     {"blk.2.attn_q.weight", 100}};

void ExpectPlaces(const MemoryPlaces& places, const MemoryPlaces& expected) {
  EXPECT_EQ(places.ram_weights, expected.ram_weights);
  EXPECT_EQ(places.device_weights, expected.device_weights);
  EXPECT_EQ(places.ram_cache_per_token, expected.ram_cache_per_token);
  EXPECT_EQ(places.device_cache_per_token, expected.device_cache_per_token);
}

ModelShape Mixture() {
  ModelShape shape = ShapeOf(Tensors(kMixture), 3);
  for (ModelShape::Layer& layer : shape.layers) layer.cache_values = 64;
  return shape;
}

TEST(ModelShape, TensorsBelongToTheirLayers) {
  const ModelShape shape = Mixture();
  ASSERT_EQ(shape.layers.size(), 3U);
  EXPECT_EQ(shape.layers[0].weights, 100U);
  EXPECT_EQ(shape.layers[0].experts, 0U);
  EXPECT_EQ(shape.layers[1].weights, 1100U);
  EXPECT_EQ(shape.layers[1].experts, 1000U);
  EXPECT_EQ(shape.layers[2].weights, 300U);
  EXPECT_EQ(shape.layers[2].experts, 200U);
  EXPECT_EQ(shape.output, 6005U);
  EXPECT_EQ(shape.tied_output, 0U);
  EXPECT_EQ(shape.elsewhere, 7000U);
  EXPECT_TRUE(shape.has_experts());
}

TEST(ModelShape, LayersGoToTheDeviceFromTheOutputBack) {
  const ModelShape shape = Mixture();
  const uint64_t all = 7000 + 6005 + 1500;
  // {ram, device, cache in ram, cache on the device}; 128 bytes of F16 a layer.
  ExpectPlaces(PlacesOf(shape, 0, false, CacheType::kF16), {all, 0, 384, 0});
  ExpectPlaces(PlacesOf(shape, 1, false, CacheType::kF16), {all - 6005, 6005, 384, 0});
  ExpectPlaces(PlacesOf(shape, 2, false, CacheType::kF16), {all - 6305, 6305, 256, 128});
  ExpectPlaces(PlacesOf(shape, 3, false, CacheType::kF16), {all - 7405, 7405, 128, 256});
  for (const int layers : {4, 99, kAllLayers}) {
    ExpectPlaces(PlacesOf(shape, layers, false, CacheType::kF16), {7000, 7505, 0, 384});
  }
}

TEST(ModelShape, ExpertsMayStayInRam) {
  const ModelShape shape = Mixture();
  ExpectPlaces(PlacesOf(shape, kAllLayers, true, CacheType::kF16), {8200, 6305, 0, 384});
  ExpectPlaces(PlacesOf(shape, 2, true, CacheType::kF16), {8400, 6105, 256, 128});
  ExpectPlaces(PlacesOf(shape, 0, true, CacheType::kF16), {14505, 0, 384, 0});
}

TEST(ModelShape, CacheFollowsItsType) {
  const ModelShape shape = Mixture();
  ExpectPlaces(PlacesOf(shape, 2, false, CacheType::kF32), {8200, 6305, 512, 256});
  ExpectPlaces(PlacesOf(shape, 2, false, CacheType::kQ8_0), {8200, 6305, 136, 68});
}

TEST(ModelShape, TiedEmbeddingsAreCopiedToTheDevice) {
  const ModelShape shape = ShapeOf(
      Tensors({{"token_embd.weight", 50}, {"output_norm.weight", 1}, {"blk.0.attn_q.weight", 10}}), 1);
  EXPECT_EQ(shape.tied_output, 50U);
  ExpectPlaces(PlacesOf(shape, 0, false, CacheType::kF16), {61, 0, 0, 0});
  ExpectPlaces(PlacesOf(shape, 1, false, CacheType::kF16), {60, 51, 0, 0});
  ExpectPlaces(PlacesOf(shape, kAllLayers, false, CacheType::kF16), {50, 61, 0, 0});
}

TEST(ModelShape, ALayerWithoutACacheTakesNone) {
  ModelShape shape = Mixture();
  shape.layers[1].cache_values = 0;
  shape.layers[1].state = 1000;
  const MemoryPlaces ram = PlacesOf(shape, 0, false, CacheType::kF16);
  EXPECT_EQ(ram.ram_cache_per_token, 256U);
  EXPECT_EQ(ram.ram_state, 1000U);
  const MemoryPlaces both = PlacesOf(shape, 2, false, CacheType::kF16);
  EXPECT_EQ(both.ram_cache_per_token, 128U) << "of layer 0";
  EXPECT_EQ(both.device_cache_per_token, 128U);
  EXPECT_EQ(both.ram_state, 1000U) << "layer 1 lies there";
  EXPECT_EQ(PlacesOf(shape, kAllLayers, false, CacheType::kF16).device_state, 1000U);
}

TEST(ModelShape, ARecurrentModelHasAStateInPlaceOfACache) {
  const auto file =
      GgufFile::Open(TinyModel("states", {.architecture = "mamba", .width = 64, .layers = 2})).value();
  const MemoryPlaces places = PlacesOf(ShapeOf(file), 0, false, CacheType::kF16);
  EXPECT_EQ(places.ram_cache_per_token, 0U);
  const auto value = [&](const char* key) { return static_cast<uint64_t>(file.ArchInteger(key).value()); };
  const uint64_t inner = value("ssm.inner_size");
  const uint64_t state = inner * value("ssm.state_size") + inner * (value("ssm.conv_kernel") - 1);
  EXPECT_EQ(places.ram_state, 2 * state * sizeof(float));
}

TEST(ModelShape, APredictorsOutputIsItsHead) {
  const ModelShape shape = ShapeOf(Tensors({{"token_embd.weight", 50},
                                            {"output.weight", 50},
                                            {"output_norm.weight", 1},
                                            {"cls.output.weight", 8},
                                            {"blk.0.attn_q.weight", 10}}),
                                   1);
  EXPECT_EQ(shape.tied_output, 0U);
  ExpectPlaces(PlacesOf(shape, kAllLayers, false, CacheType::kF16), {100, 19, 0, 0});
}

TEST(ModelShape, AllBytesOfAFileHaveAPlace) {
  for (const bool tied : {false, true}) {
    const auto file =
        GgufFile::Open(TinyModel("shape", {.layers = 3, .head_width = 32, .tied_output = tied})).value();
    const ModelShape shape = ShapeOf(file);
    ASSERT_EQ(shape.layers.size(), 3U);
    const uint64_t copied = tied ? file.Find("token_embd.weight")->bytes : 0;
    for (const int layers : {0, 1, 2, 3, kAllLayers}) {
      const MemoryPlaces places = PlacesOf(shape, layers, false, CacheType::kF16);
      EXPECT_EQ(places.ram_weights + places.device_weights,
                file.file_bytes() + VocabularyBytes(file) + (layers == 0 ? 0 : copied))
          << layers;
      EXPECT_EQ(places.ram_cache_per_token + places.device_cache_per_token,
                2 * file.cache_values_per_token());
    }
    EXPECT_TRUE(shape.holds_q8_0);
  }
  const auto narrow = GgufFile::Open(TinyModel("narrow", {.head_width = 16})).value();
  EXPECT_FALSE(ShapeOf(narrow).holds_q8_0);
}

}  // namespace
}  // namespace tessy
