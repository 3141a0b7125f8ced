// Casts of models in process, with random weights.
#include "cast/model_cast.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cmath>
#include <filesystem>

#include "model/llama/testing/tiny_model.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Message> kQuestion{{.role = "user", .content = "How much is it?"}};

class ModelCastTest : public testing::Test {
 protected:
  ModelCastTest() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fs::path(testing::TempDir()) / fmt::format("model_cast_test_{}_{}", test, getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.models = {File("student", {.vocabulary = MakeTinyVocabulary(300, 1), .seed = 1}),
                       File("teacher", {.vocabulary = MakeTinyVocabulary(290, 2), .seed = 2})};
    options_.boundaries = {"lexicon", "lexicon"};
    options_.families = {"qwen3", "qwen3"};
    options_.concurrency = 2;
    options_.context_tokens = 300;
    options_.memory_bytes = uint64_t{1} << 30;
    options_.exact = true;
  }
  ~ModelCastTest() override { fs::remove_all(folder_); }

  std::string File(const std::string& name, TinyModelSpec spec) const {
    const std::string path = folder_ / (name + ".gguf");
    spec.width = 32;
    spec.layers = 1;
    spec.heads = 2;
    spec.kv_heads = 1;
    spec.feed_forward = 64;
    spec.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>";
    EXPECT_TRUE(WriteTinyModel(path, spec));
    return path;
  }
  std::unique_ptr<ModelCast> Load() {
    auto cast = ModelCast::Load(options_, DrivenBy(io_));
    EXPECT_TRUE(cast) << cast.error().message;
    return cast ? std::move(*cast) : nullptr;
  }
  double Score(ModelCast& cast, std::string_view thinking, std::string_view answer) {
    std::optional<Result<double>> score;
    cast.Score(Role::kTeacher, kQuestion, thinking, answer,
               [&](Result<double> told) { score = std::move(told); });
    EXPECT_FALSE(score) << "it is told later";
    while (!score) {
      cast.Pump();
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(100));
    }
    EXPECT_TRUE(*score) << score->error().message;
    return score->value_or(0.0);
  }

  fs::path folder_;
  boost::asio::io_context io_{1};
  CastOptions options_;
};

TEST_F(ModelCastTest, SessionsAreAsManyAsSamplesAtATime) {
  const auto cast = Load();
  EXPECT_EQ(cast->concurrency(), 2);
  auto first = cast->OpenSession(Role::kStudent, kQuestion, true);
  auto second = cast->OpenSession(Role::kStudent, kQuestion, true);
  ASSERT_TRUE(first && second);
  EXPECT_GT(first->prompt_tokens, 0U);
  EXPECT_EQ(first->context_tokens, 300U);
  const auto third = cast->OpenSession(Role::kStudent, kQuestion, true);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kResourceLimit);
  EXPECT_TRUE(cast->OpenSession(Role::kTeacher, kQuestion, true)) << "the teacher has places of its own";
  first->session.reset();
  EXPECT_TRUE(cast->OpenSession(Role::kStudent, kQuestion, true)) << "a session's end frees its place";
}

TEST_F(ModelCastTest, PromptLongerThanTheContextIsRefusedWithTheFigures) {
  const auto cast = Load();
  const std::vector<Message> question{{.role = "user", .content = std::string(2000, '~')}};
  const auto session = cast->OpenSession(Role::kTeacher, question, true);
  ASSERT_FALSE(session);
  EXPECT_THAT(session.error().message, HasSubstr("for the teacher, whose context holds 300"));
}

TEST_F(ModelCastTest, OneVocabularyIsThatOfAllFour) {
  EXPECT_FALSE(Load()->shares_vocabulary()) << "the roles' differ";
  const TinyVocabulary vocabulary = MakeTinyVocabulary(300, 1);
  options_.models[1] = File("same", {.vocabulary = vocabulary, .seed = 3});
  EXPECT_FALSE(Load()->shares_vocabulary()) << "the lexicon reads text";
  const std::string predictor = File("predictor", {.vocabulary = vocabulary, .seed = 4, .head_outputs = 2});
  options_.boundaries = {predictor, "lexicon"};
  EXPECT_FALSE(Load()->shares_vocabulary());
  options_.boundaries = {predictor, predictor};
  EXPECT_TRUE(Load()->shares_vocabulary());
}

TEST_F(ModelCastTest, FileThatTwoPartsShareIsLoadedAndPlannedOnce) {
  options_.models[1] = options_.models[0];
  const std::string predictor =
      File("predictor", {.vocabulary = MakeTinyVocabulary(300, 1), .seed = 4, .head_outputs = 2});
  options_.boundaries = {predictor, predictor};
  const auto plan = Load()->plan();
  ASSERT_EQ(plan.lines.size(), 4U);
  for (const size_t first : {0U, 2U}) {
    EXPECT_GT(plan.lines[first].ram.weights, 0U);
    EXPECT_EQ(plan.lines[first + 1].ram.weights, 0U);
    EXPECT_EQ(plan.lines[first + 1].ram.cache_per_sample, plan.lines[first].ram.cache_per_sample);
    EXPECT_EQ(plan.lines[first + 1].ram.cache_per_token, plan.lines[first].ram.cache_per_token);
  }
}

TEST_F(ModelCastTest, MethodOfOneRoleLoadsThatOneAlone) {
  options_.method = FindMethod("teacher-only").value();
  options_.models[0] = "";
  const auto cast = Load();
  ASSERT_EQ(cast->plan().lines.size(), 1U);
  EXPECT_EQ(cast->plan().lines[0].what, "teacher");
  EXPECT_EQ(cast->FamilyOf(Role::kStudent).name, "qwen3") << "the response is written in its form";
}

TEST_F(ModelCastTest, WithoutAStudentRowsHaveTheFormOfTheWriter) {
  options_.method = *FindMethod("teacher-only");
  options_.models[Index(Role::kStudent)].clear();
  const auto form = [&](const std::string& student, const std::string& teacher) {
    options_.families = {student, teacher};
    const auto cast = Load();
    return cast ? cast->FamilyOf(Role::kStudent).name : "";
  };
  EXPECT_EQ(form("", "few-shot"), "few-shot");
  EXPECT_EQ(form("", "instruct"), "instruct");
  EXPECT_EQ(form("", "qwen3"), "qwen3") << "somebody has named it";
  EXPECT_EQ(form("", ""), "plain") << "as its template says";
  EXPECT_EQ(form("qwen3", "few-shot"), "qwen3");
}

TEST_F(ModelCastTest, ScoreIsTheMeanLogLikelihoodOfATokenOfTheResponse) {
  const auto cast = Load();
  const double score = Score(*cast, "Let me see.", "It is 12.");
  EXPECT_LT(score, 0.0);
  EXPECT_GT(score, -100.0);
  EXPECT_EQ(Score(*cast, "Let me see.", "It is 12."), score);
  EXPECT_NE(Score(*cast, "Let me see.", "It is 13."), score);
}

TEST_F(ModelCastTest, PartsAreCountedPlayersFirst) {
  const auto cast = Load();
  Score(*cast, "Let me see.", "It is 12.");
  std::vector<std::string> names;
  for (const PartCounts& part : cast->Counts()) {
    names.push_back(part.name);
    ASSERT_NE(part.engine(), nullptr);
    EXPECT_EQ(part.engine()->tokens > 0, part.name == "teacher");
    EXPECT_THAT(part.Describe(), HasSubstr(part.name + ": "));
  }
  EXPECT_THAT(names, ElementsAre("student", "teacher"));
}

TEST(PartCounts, ServersAreDescribedWithTheirDialect) {
  ServerModel::Counts served;
  served.requests = 7;
  served.outages = 2;
  const PartCounts player{.name = "student",
                          .counts = PartCounts::Served{.counts = served, .dialect = "vllm"}};
  EXPECT_EQ(player.engine(), nullptr);
  EXPECT_THAT(player.Describe(), HasSubstr("student server (vllm): 7 requests"));
  EXPECT_THAT(player.Describe(), HasSubstr("; 2 outages"));
  PoolingModel::Counts asked;
  asked.requests = 3;
  asked.inputs = 9;
  const PartCounts predictor{.name = "teacher predictor", .counts = asked};
  EXPECT_THAT(predictor.Describe(), HasSubstr("teacher predictor's server: 3 requests for 9 places"));
}

}  // namespace
}  // namespace tessy
