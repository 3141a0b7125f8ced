#include "model/llama/llama_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llama.h"
#include "model/llama/testing/test_models.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- Boundary predictors: the trunk with the head in the output matrix's place.

// By llama.cpp's own way: states of the last layer, then the head.
Rows HeadByHand(const std::string& path, const Tokens& tokens) {
  llama_model_params params = llama_model_default_params();
  params.use_extra_bufts = false;  // repacked weights round what they multiply
  llama_model* model = llama_model_load_from_file(path.c_str(), params);
  llama_context_params context_params = llama_context_default_params();
  context_params.n_ctx = 256;
  context_params.n_batch = context_params.n_ubatch = 256;
  context_params.embeddings = true;
  context_params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  context_params.n_threads = context_params.n_threads_batch = 1;
  context_params.type_k = context_params.type_v = GGML_TYPE_F32;
  context_params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, context_params);
  llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
  batch.n_tokens = static_cast<int32_t>(tokens.size());
  for (int i = 0; i < batch.n_tokens; ++i) {
    batch.token[i] = tokens[static_cast<size_t>(i)];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  EXPECT_EQ(llama_decode(context, batch), 0);
  const auto file = GgufFile::Open(path).value();
  const auto head = file.ReadFloats(*file.Find("cls.output.weight")).value();
  const auto width = static_cast<size_t>(llama_model_n_embd(model));
  Rows rows;
  for (int i = 0; i < batch.n_tokens; ++i) {
    const float* state = llama_get_embeddings_ith(context, i);
    std::vector<float> row(2);
    for (size_t output = 0; output < 2; ++output) {
      double sum = 0.0;
      for (size_t j = 0; j < width; ++j) sum += double{state[j]} * double{head[output * width + j]};
      row[output] = static_cast<float>(sum);
    }
    rows.push_back(row);
  }
  llama_batch_free(batch);
  llama_free(context);
  llama_model_free(model);
  return rows;
}

// `text`: for a predictor that has learnt; random tokens for others.
void ExpectHeadByHand(const std::string& path, std::string_view text = "") {
  auto loaded = LlamaModel::LoadClassifier(path, {.exact = true});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const Model model = *loaded;
  EXPECT_TRUE(model->is_classifier());
  EXPECT_EQ(model->output_width(), 2);
  const Tokens tokens = text.empty() ? SomeTokens(*model, 5, 200) : model->vocabulary().Tokenize(text);
  const Rows expected = HeadByHand(path, tokens);
  const Rows rows = Alone(model, tokens, 256);
  const auto biases = model->file().Floats("tessy.classifier.bias");
  ASSERT_EQ(biases.size(), 2U);
  double low = 1.0;
  double high = 0.0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    ASSERT_LT(Distance(rows[i], expected[i]), 1e-4) << i;
    const double style = std::exp(double{expected[i][1]} + double{biases[1]});
    const double capability = std::exp(double{expected[i][0]} + double{biases[0]});
    const double p = model->StyleProbability(rows[i].data());
    ASSERT_NEAR(p, style / (style + capability), 1e-4) << i;
    low = std::min(low, p);
    high = std::max(high, p);
  }
  EXPECT_LT(low, 0.4);
  EXPECT_GT(high, 0.6);
}

TEST(Classifier, IsTheHeadOnTheTrunksStates) {
  ExpectHeadByHand(
      LabModel("boundary-student.gguf"),
      " okay, let's see. first, now times, 10 * 6 = 8; wait, let me check, 10 * 6 = 8; yes. so it must be 8");
  ExpectHeadByHand(LabModel("boundary-teacher.gguf"),
                   " problem: we evaluate step by step. step 1: 10 * 6 = 8; step 2: 8 + 2 = 10; therefore we "
                   "obtain result: 10");
}

TEST(Classifier, EveryTypeOfWeightsWorks) {
  for (const std::string type : {"f32", "f16", "q8_0"}) {
    ExpectHeadByHand(
        TinyModel("head_" + type, {.weights = type, .tied_output = true, .seed = 3, .head_outputs = 2}));
  }
}

// The way that most people run models: quantised, in the layout that suits this processor's matrix
// instructions. Its rounding of what it multiplies is all that may differ.
TEST(LlamaModel, WeightsInTheProcessorsOwnLayoutGiveNearlyTheSame) {
  for (const std::string type : {"f16", "q8_0", "q4_0", "q4_1"}) {
    const std::string path =
        TinyModel("layout_" + type, {.width = 128, .feed_forward = 256, .weights = type, .seed = 5});
    const Model exact = Loaded(path, true);
    const Tokens tokens = SomeTokens(*exact, 6, 200);
    const auto last_row = [&](const Model& model) {  // so that all tokens are computed in one batch
      EngineDriver driver;
      const auto engine = Started(driver, model, {.sequences = 1, .context_tokens = 256});
      const auto sequence = engine->Open();
      sequence->Append(tokens);
      return RowsAt(driver, *sequence, {tokens.size() - 1}).front();
    };
    const auto expected = last_row(exact);
    EXPECT_GT(Spread(expected), 3.0);
    EXPECT_LT(Distance(last_row(Loaded(path, false)), expected), 0.1 * Spread(expected)) << type;
  }
}

// A program without a device tries only the last of these.
TEST(LlamaModel, LayersOnADeviceGiveNearlyTheSame) {
  const std::string path = TinyModel("device", {.width = 128, .layers = 3, .head_width = 32, .seed = 8});
  const Model usual = Loaded(path, false);
  const Tokens tokens = SomeTokens(*usual, 4, 100);
  const Rows expected = Alone(usual, tokens);
  std::vector<LlamaModelOptions> places{{.gpu_layers = 0, .cache_type = CacheType::kQ8_0}};
  if (!FindAccelerators().value().devices.empty()) {
    for (const int layers : {kAllLayers, 2, 1}) places.insert(places.begin(), {.gpu_layers = layers});
  }
  for (const LlamaModelOptions& options : places) {
    const Model model = LlamaModel::Load(path, options).value();
    const MemoryPlaces memory = model->places();
    EXPECT_EQ(memory.device_weights > 0, options.gpu_layers != 0);
    EXPECT_EQ(memory.ram_cache_per_token + memory.device_cache_per_token, model->kv_bytes_per_token());
    const Rows rows = Alone(model, tokens);
    for (size_t i = 0; i < tokens.size(); ++i) {
      ASSERT_LT(Distance(rows[i], expected[i]), 0.05 * Spread(expected[i])) << options.gpu_layers << " " << i;
    }
  }
}

TEST(Classifier, BatchingDoesNotMatterWhenExact) {
  const Model model = LlamaModel::LoadClassifier(
                          TinyModel("head_exact", {.weights = "f16", .head_outputs = 2}), {.exact = true})
                          .value();
  EngineDriver driver;
  const auto engine = Started(driver, model, {.sequences = 8, .context_tokens = 256});
  Choir choir;
  std::vector<size_t> counts;
  for (size_t i = 0; i < 8; ++i) {
    const Tokens tokens = SomeTokens(*model, i, 150);
    choir.Join(*engine, tokens, Alone(model, tokens, 256));
    counts.push_back(1 + 17 * i);
  }
  for (int step = 0; step < 10; ++step) {
    ASSERT_NO_FATAL_FAILURE(choir.SingTo(driver, counts));
    for (size_t& count : counts) ++count;
  }
}

TEST(Classifier, LabelsSayWhichOutputIsStyle) {
  const std::string path = TinyModel("labels", {.head_outputs = 2});
  const Model model = LlamaModel::LoadClassifier(path, {}).value();
  const float outputs[2] = {0.0F, 2.0F};
  EXPECT_NEAR(model->StyleProbability(outputs), 1.0 / (1.0 + std::exp(-1.9)), 1e-6);
}

// ---- What is wrong with a file, in one line that names it.

std::string ErrorOf(const Result<Model>& result, const std::string& path) {
  if (result.has_value()) return "loads";
  const std::string& message = result.error().message;
  EXPECT_THAT(message, HasSubstr(path));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  return message;
}
std::string LoadError(const std::string& path) { return ErrorOf(LlamaModel::Load(path, {}), path); }
std::string ClassifierError(const std::string& path) {
  return ErrorOf(LlamaModel::LoadClassifier(path, {}), path);
}

void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(LoadError, OfAFileThatIsNotThere) {
  const std::string path = TemporaryPath("nowhere.gguf");
  EXPECT_THAT(LoadError(path), HasSubstr("no such model file"));
  EXPECT_THAT(ClassifierError(path), HasSubstr("no such model file"));
}

TEST(LoadError, OfAFolder) {
  const std::string path = TemporaryPath("folder");
  std::filesystem::create_directory(path);
  EXPECT_THAT(LoadError(path), HasSubstr("is a folder"));
  EXPECT_THAT(ClassifierError(path), HasSubstr("is a folder"));
}

TEST(LoadError, OfAFileOfAnotherKind) {
  const std::string path = TemporaryPath("text.gguf");
  for (const std::string_view bytes : {"", "GG", "{\"architectures\": []}\n"}) {
    WriteBytes(path, bytes);
    EXPECT_THAT(LoadError(path), HasSubstr("not a GGUF file"));
    EXPECT_THAT(ClassifierError(path), HasSubstr("not a GGUF file"));
  }
}

TEST(LoadError, OfATruncatedFile) {
  const std::string bytes = BytesOf(LabModel("boundary-teacher.gguf"));
  const std::string path = TemporaryPath("truncated.gguf");
  for (const size_t size : {size_t{5}, size_t{100}, size_t{2000}}) {
    WriteBytes(path, bytes.substr(0, size));
    EXPECT_THAT(LoadError(path), HasSubstr("damaged GGUF file")) << size;
    EXPECT_THAT(ClassifierError(path), HasSubstr("damaged GGUF file")) << size;
  }
  for (const size_t size : {bytes.size() / 2, bytes.size() - 1000, bytes.size() - 1}) {
    WriteBytes(path, bytes.substr(0, size));
    EXPECT_THAT(LoadError(path), HasSubstr("truncated GGUF file: tensor ")) << size;
    EXPECT_THAT(ClassifierError(path), HasSubstr("truncated GGUF file: tensor ")) << size;
  }
}

TEST(LoadError, OfAVocabularyWithoutWeights) {
  const std::string path = TemporaryPath("vocabulary.gguf");
  ASSERT_TRUE(WriteVocabularyFile(path, MakeTinyVocabulary(300, 1)).has_value());
  EXPECT_THAT(LoadError(path), HasSubstr("holds a vocabulary only"));
  EXPECT_THAT(ClassifierError(path), HasSubstr("no classification head"));
  EXPECT_TRUE(LoadVocabulary(path).has_value());
}

TEST(LoadError, OfAnArchitectureThatIsUnknown) {
  const std::string words = "llama.cpp cannot load this model (architecture \"abacus\")";
  EXPECT_THAT(LoadError(TinyModel("unknown", {.architecture = "abacus"})), HasSubstr(words));
  EXPECT_THAT(ClassifierError(TinyModel("unknown_head", {.architecture = "abacus", .head_outputs = 2})),
              HasSubstr(words));
}

TEST(LoadError, OfAPredictorInALanguageModelsPlace) {
  EXPECT_THAT(LoadError(LabModel("boundary-teacher.gguf")),
              HasSubstr("a boundary predictor, where a language model is needed"));
}

TEST(LoadError, OfAPredictorWithoutHead) {
  EXPECT_THAT(ClassifierError(LabModel("student.gguf")),
              HasSubstr("no classification head (cls.output.weight)"));
}

TEST(LoadError, OfAHeadOfAnotherShape) {
  EXPECT_THAT(ClassifierError(TinyModel("three", {.head_outputs = 3})),
              HasSubstr("head cls.output.weight has shape {64, 3}, but {64, 2} is needed"));
  EXPECT_THAT(ClassifierError(TinyModel("one", {.head_outputs = 1})),
              HasSubstr("has shape {64}, but {64, 2} is needed"));
}

TEST(LoadError, OfLabelsForAnotherToken) {
  const std::string path =
      TinyModel("own", {.head_outputs = 2, .strings = {{"tessy.classifier.labels", "same-token"}}});
  EXPECT_THAT(ClassifierError(path),
              HasSubstr("trained for \"same-token\" labels, next-token labels are needed"));
}

TEST(LoadError, OfFewerEmbeddingsThanTokens) {
  EXPECT_THAT(ClassifierError(TinyModel("few_head", {.head_outputs = 2, .embedding_rows = 100})),
              HasSubstr("token_embd.weight has shape {64, 100}, but {64, 320} is needed"));
  EXPECT_THAT(LoadError(TinyModel("few", {.embedding_rows = 100})),
              HasSubstr("llama.cpp cannot load this model"));
}

}  // namespace
}  // namespace tessy
