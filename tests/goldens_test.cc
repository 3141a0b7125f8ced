// Checkpoints of Hugging Face's layout are converted and run in llama.cpp: the results are those that
// transformers computed (tools/oracle).
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "llama.h"
#include "model/llama/testing/test_models.h"
#include "weights/testing/golden.h"

namespace tessy {
namespace {

constexpr double kTolerance = 1e-3;
constexpr double kHalfCacheTolerance = 1e-2;  // keys and values are F16 unless --exact says otherwise

class ConvertedGoldenTest : public testing::TestWithParam<const char*> {
 protected:
  ConvertedGoldenTest()
      : golden_(LoadGolden(GetParam())),
        path_(std::filesystem::temp_directory_path() /
              ("golden." + std::to_string(getpid()) + "." + GetParam() + ".gguf")) {
    const auto status = WriteGguf(path_, golden_.checkpoint->shape(),
                                  [&](const TensorSpec& tensor) { return golden_.checkpoint->Read(tensor); },
                                  {.tokenizer_from = LabModel("student.gguf"), .name = GetParam()});
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
  ~ConvertedGoldenTest() override { std::filesystem::remove(path_); }

  bool is_classifier() const { return golden_.checkpoint->shape().classes > 0; }

  Golden golden_;
  std::string path_;
};

// Runs the model as the loop does.
TEST_P(ConvertedGoldenTest, TheEnginesOutputsAreThoseOfTransformers) {
  for (const bool exact : {false, true}) {
    const LlamaModelOptions options{.exact = exact};
    const double tolerance = exact ? kTolerance : kHalfCacheTolerance;
    auto model =
        is_classifier() ? LlamaModel::LoadClassifier(path_, options) : LlamaModel::Load(path_, options);
    ASSERT_TRUE(model) << model.error().message;
    for (size_t row = 0; row < golden_.tokens.size(); ++row) {
      const Tokens tokens(golden_.tokens[row].begin(), golden_.tokens[row].end());
      const Rows rows = Alone(*model, tokens, 256);
      for (size_t i = 0; i < rows.size(); ++i) {
        const std::vector<float> due = golden_.LogitsAt(row, i);
        if (!is_classifier()) {
          ASSERT_LT(Distance(rows[i], due), tolerance) << "sequence " << row << ", position " << i;
          continue;
        }
        // The bias of the head is added where the probabilities are computed.
        const double p_style = 1.0 / (1.0 + std::exp(double{due[0]} - double{due[1]}));
        ASSERT_NEAR((*model)->StyleProbability(rows[i].data()), p_style, tolerance);
      }
    }
  }
}

TEST_P(ConvertedGoldenTest, LlamaCppsStatesAreThoseOfTransformers) {
  llama_model* model = llama_model_load_from_file(path_.c_str(), llama_model_default_params());
  ASSERT_NE(model, nullptr);
  llama_context_params params = llama_context_default_params();
  params.embeddings = true;
  params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  params.n_ctx = params.n_batch = params.n_ubatch = 64;
  params.n_threads = params.n_threads_batch = 1;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  for (size_t row = 0; row < golden_.tokens.size(); ++row) {
    llama_context* context = llama_init_from_model(model, params);
    const Tokens& tokens = golden_.tokens[row];
    llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
    for (const TokenId token : tokens) {
      const int32_t i = batch.n_tokens++;
      batch.token[i] = token;
      batch.pos[i] = i;
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = 1;
    }
    EXPECT_EQ(llama_decode(context, batch), 0);
    for (int32_t i = 0; i < batch.n_tokens; ++i) {
      const float* state = llama_get_embeddings_ith(context, i);
      const std::vector<float> due = golden_.HiddenAt(row, static_cast<size_t>(i));
      EXPECT_LT(Distance({state, state + due.size()}, due), kTolerance) << row << ", " << i;
    }
    llama_batch_free(batch);
    llama_free(context);
  }
  llama_model_free(model);
}

INSTANTIATE_TEST_SUITE_P(Models, ConvertedGoldenTest, testing::ValuesIn(kGoldens),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tessy
