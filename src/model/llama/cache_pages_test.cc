#include "model/llama/cache_pages.h"

#include <gtest/gtest.h>

#include <memory>

#include "llama.h"
#include "model/llama/testing/test_models.h"

namespace tessy {
namespace {

constexpr int kSequences = 16;
constexpr uint32_t kContext = 8192;

struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};

class CachePagesTest : public testing::Test {
 protected:
  void SetUp() override {
    model_ = Loaded(
        TinyModel("pages", {.width = 64, .layers = 2, .heads = 2, .kv_heads = 2, .context = 8192}), false);
    llama_context_params params = llama_context_default_params();
    params.n_seq_max = kSequences;
    params.n_ctx = kContext * kSequences;
    params.kv_unified = false;
    params.n_threads = params.n_threads_batch = 1;
    pages_.Collect(true, [&] { context_.reset(llama_init_from_model(model_->handle(), params)); });
    ASSERT_NE(context_, nullptr);
    whole_ = kSequences * kContext * model_->kv_bytes_per_token();
  }
  // Computes tokens of one sequence from a position on; the logits of the last one.
  std::vector<float> Compute(int sequence, const Tokens& tokens, int from = 0) {
    llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
    for (size_t i = 0; i < tokens.size(); ++i) {
      batch.token[i] = tokens[i];
      batch.pos[i] = from + static_cast<llama_pos>(i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = sequence;
      batch.logits[i] = i + 1 == tokens.size() ? 1 : 0;
    }
    batch.n_tokens = static_cast<int32_t>(tokens.size());
    EXPECT_EQ(llama_decode(context_.get(), batch), 0);
    llama_batch_free(batch);
    const float* row = llama_get_logits_ith(context_.get(), -1);
    return {row, row + model_->output_width()};
  }

  Model model_;
  CachePages pages_;
  std::unique_ptr<llama_context, ContextDeleter> context_;
  size_t whole_ = 0;
};

TEST_F(CachePagesTest, MemoryIsTakenAsTokensAreComputed) {
  EXPECT_LT(pages_.ResidentBytes(), whole_ / 100);
  Compute(3, SomeTokens(*model_, 1, 400));
  EXPECT_GE(pages_.ResidentBytes(), 400 * model_->kv_bytes_per_token());
  EXPECT_LT(pages_.ResidentBytes(), whole_ / 16);
}

TEST_F(CachePagesTest, ReleaseGivesBackOnePlaceAndNoOther) {
  const Tokens tokens = SomeTokens(*model_, 1, 400);
  const std::vector<float> expected = Compute(3, tokens);
  Compute(4, tokens);
  Compute(5, tokens);
  const size_t before = pages_.ResidentBytes();
  llama_memory_seq_rm(llama_get_memory(context_.get()), 4, 0, -1);
  pages_.Release(4);
  EXPECT_LE(pages_.ResidentBytes(), before - 300 * model_->kv_bytes_per_token());
  // The neighbours' last tokens still see all that was before them, and the place can be used again.
  for (const int sequence : {3, 5}) {
    llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, 399, -1);
    EXPECT_LT(Distance(Compute(sequence, {tokens.back()}, 399), expected), 0.01);
  }
  EXPECT_LT(Distance(Compute(4, tokens), expected), 0.01);
}

TEST_F(CachePagesTest, ResultsAreThoseOfAnOrdinaryContext) {
  llama_context_params params = llama_context_default_params();
  params.n_seq_max = kSequences;
  params.n_ctx = kContext * kSequences;
  params.kv_unified = false;
  params.n_threads = params.n_threads_batch = 1;
  const Tokens tokens = SomeTokens(*model_, 2, 300);
  const std::vector<float> ours = Compute(7, tokens);
  context_.reset(llama_init_from_model(model_->handle(), params));
  EXPECT_EQ(Compute(7, tokens), ours);
}

}  // namespace
}  // namespace tessy
