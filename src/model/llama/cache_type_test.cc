#include "model/llama/cache_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/llama/testing/test_models.h"

namespace tessy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

GgufFile Opened(const std::string& path) { return GgufFile::Open(path).value(); }

TEST(CacheType, BytesOfNumbers) {
  EXPECT_EQ(CacheBytes(64, CacheType::kF16), 128U);
  EXPECT_EQ(CacheBytes(64, CacheType::kF32), 256U);
  EXPECT_EQ(CacheBytes(64, CacheType::kQ8_0), 68U);
  EXPECT_EQ(CacheBytes(65, CacheType::kQ8_0), 102U) << "a block begun is a block";
  EXPECT_EQ(CacheBytes(0, CacheType::kQ8_0), 0U);
}

TEST(CacheType, HeadsMustBeOfWholeBlocks) {
  const GgufFile wide = Opened(TinyModel("wide_heads", {.head_width = 32}));
  const GgufFile narrow = Opened(TinyModel("narrow_heads", {.head_width = 16}));
  EXPECT_TRUE(CheckCacheType(wide, CacheType::kQ8_0));
  EXPECT_TRUE(CheckCacheType(narrow, CacheType::kF16));
  EXPECT_TRUE(CheckCacheType(narrow, CacheType::kF32));
  const auto refused = CheckCacheType(narrow, CacheType::kQ8_0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("--cache-type q8_0"), HasSubstr("narrow_heads.gguf have 16"),
                    HasSubstr("--cache-type f16")));
}

TEST(CacheType, ShippedMiniaturesAreTooNarrow) {
  for (const char* name : {"student.gguf", "teacher.gguf", "boundary-student.gguf"}) {
    EXPECT_FALSE(CheckCacheType(Opened(LabModel(name)), CacheType::kQ8_0)) << name;
  }
}

// A model's results at every token with a cache of that type.
Rows With(const std::string& path, CacheType type, const Tokens& tokens) {
  const auto model = LlamaModel::Load(path, {.cache_type = type});
  EXPECT_TRUE(model) << model.error().message;
  return Alone(*model, tokens);
}

TEST(CacheType, QuantisedCacheGivesNearlyTheSame) {
  const std::string path = TinyModel("cache", {.width = 128, .layers = 3, .head_width = 32, .seed = 7});
  const Tokens tokens = SomeTokens(*Loaded(path, false), 3, 300);
  const Rows usual = With(path, CacheType::kF16, tokens);
  const Rows quantised = With(path, CacheType::kQ8_0, tokens);
  double most = 0.0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    ASSERT_GT(Spread(usual[i]), 3.0);
    most = std::max(most, Distance(quantised[i], usual[i]) / Spread(usual[i]));
  }
  EXPECT_LT(most, 0.05);
  EXPECT_GT(most, 0.0) << "the cache is of the usual type";
}

TEST(CacheType, ModelKnowsWhatItsCacheTakes) {
  const std::string path = TinyModel("cache_bytes", {.layers = 2, .kv_heads = 2, .head_width = 32});
  const auto bytes = [&](const LlamaModelOptions& options) {
    return LlamaModel::Load(path, options).value()->kv_bytes_per_token();
  };
  EXPECT_EQ(bytes({}), 2U * 2 * 2 * 64);
  EXPECT_EQ(bytes({.cache_type = CacheType::kQ8_0}), 2U * 2 * 2 * 34);
  EXPECT_EQ(bytes({.exact = true}), 2U * 2 * 2 * 128);
}

TEST(CacheType, ModelIsRefusedBeforeItsWeightsAreLoaded) {
  const std::string narrow = TinyModel("cache_narrow", {.head_width = 16});
  const auto refused = LlamaModel::Load(narrow, {.cache_type = CacheType::kQ8_0});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--cache-type f16"));
  const auto predictor =
      LlamaModel::LoadClassifier(LabModel("boundary-student.gguf"), {.cache_type = CacheType::kQ8_0});
  ASSERT_FALSE(predictor);
  EXPECT_THAT(predictor.error().message, HasSubstr("--cache-type f16"));
}

}  // namespace
}  // namespace tessy
