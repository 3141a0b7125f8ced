#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lab/corpus.h"
#include "lab/new_checkpoint.h"
#include "lab/similarity.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(WorldTest, AnswersAreThoseOfArithmeticFromLeftToRight) {
  EXPECT_EQ((LabProblem{LabTask::kCode, {10, 6, 1, 2}, "**-"}.Answer()), "6");  // 60 - 2 = 58 = 6 mod 13
  EXPECT_EQ((LabProblem{LabTask::kAdd, {3, 9}, "-"}.Answer()), "7");
  EXPECT_EQ((LabProblem{LabTask::kMax, {3, 9, 4}, "Mm"}.Answer()), "4");
  EXPECT_EQ((LabProblem{LabTask::kRev, {3, 9, 12}, ""}.Answer()), "12 9 3");
  EXPECT_EQ((LabProblem{LabTask::kMax, {3, 9, 4}, "Mm"}.Prompt()), "MAX 3 M 9 m 4");
}

TEST(WorldTest, DrawsAreMadeBySeedAndNumberAlone) {
  for (const LabTask task : kLabTasks) {
    const LabProblem problem = DrawLabProblem(task, 7, 3, 5);
    EXPECT_EQ(problem.Prompt(), DrawLabProblem(task, 7, 3, 5).Prompt());
    EXPECT_NE(problem.Prompt(), DrawLabProblem(task, 8, 3, 5).Prompt());
    EXPECT_EQ(problem.operands.size(), 6U);
  }
}

TEST(WorldTest, TracesOfWhoKnowsEndInTheAnswerAndTheirStepsAreRight) {
  for (uint64_t number = 0; number < 200; ++number) {
    const LabTask task = kLabTasks[number % 4];
    const LabProblem problem = DrawLabProblem(task, 1, number, 0);
    for (const LabStyle style : {LabStyle::kStudent, LabStyle::kTeacher, LabStyle::kMixed}) {
      const LabTrace trace = WriteLabTrace(problem, style, nullptr, 1, number);
      EXPECT_TRUE(trace.answer.ends_with(" " + problem.Answer())) << trace.answer;
      EXPECT_TRUE(trace.thinking.ends_with(" " + problem.Answer())) << trace.thinking;
    }
  }
}

TEST(WorldTest, StylesAreApartAndSubstanceIsNot) {
  const LabProblem problem = DrawLabProblem(LabTask::kCode, 1, 5, 5);
  const LabTrace student = WriteLabTrace(problem, LabStyle::kStudent, nullptr, 1, 5);
  const LabTrace teacher = WriteLabTrace(problem, LabStyle::kTeacher, nullptr, 1, 5);
  EXPECT_THAT(student.thinking,
              AllOf(HasSubstr("first,"), HasSubstr("so it must be"), Not(HasSubstr("rule"))));
  EXPECT_THAT(teacher.thinking, AllOf(HasSubstr("we obtain"), Not(HasSubstr("first,"))));
}

TEST(WorldTest, AboutFourProductsOfTenAreMisconceived) {
  const Misconceptions wrong = Misconceptions::Draw(1);
  int count = 0;
  for (int a = 0; a < 13; ++a) {
    for (int b = 0; b < 13; ++b) {
      const auto value = wrong.Of(a, b);
      if (!value) continue;
      ++count;
      EXPECT_NE(*value, a * b % 13);
      EXPECT_GE(std::min(a, b), 2);
    }
  }
  EXPECT_NEAR(count / 121.0, 0.4, 0.12);
}

TEST(CorpusTest, ResponsesAreSoundAndSpansStandWhereTheySay) {
  for (const LabCorpus& corpus : {StudentCorpus(3), TeacherCorpus(3)}) {
    for (uint64_t i = 0; i < 50; ++i) {
      const Response response = LabResponse(corpus, i);
      EXPECT_EQ(ParseResponse(ToJsonLine(response)).value(), response);
      EXPECT_THAT(AnswerText(response), testing::MatchesRegex(" (the answer is|report output:)( [0-9]+)+"));
      EXPECT_THAT(TextOf(response), Not(HasSubstr("think>")));
    }
  }
}

TEST(NewCheckpointTest, MatricesAreSmallAndNormal) {
  const Qwen3Shape shape{.vocabulary = 300,
                         .width = 64,
                         .layers = 1,
                         .feed_forward = 96,
                         .heads = 4,
                         .kv_heads = 4,
                         .head_width = 16,
                         .context_tokens = 64,
                         .tied_embeddings = true};
  const NewCheckpoint checkpoint(shape, 1);
  for (const TensorSpec& tensor : TensorsOf(shape)) {
    const auto values = checkpoint.Read(tensor).value();
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
      sum += value;
      squares += double{value} * value;
    }
    const auto n = static_cast<double>(values.size());
    if (tensor.name.ends_with("norm.weight")) {
      EXPECT_EQ(sum, n);
    } else {
      EXPECT_NEAR(sum / n, 0.0, 0.005);
      const bool embeds = tensor.name == "model.embed_tokens.weight";
      const double due = embeds ? 0.02 : 0.6 / std::sqrt(static_cast<double>(tensor.shape.back()));
      EXPECT_NEAR(std::sqrt(squares / n), due, 0.1 * due) << tensor.name;
    }
  }
}

TEST(SimilarityTest, EqualResponsesAreOneAndForeignOnesNothing) {
  const TokenisedResponses a{{"q", {1, 2, 3}}, {"r", {4, 4, 5}}};
  const TokenisedResponses b{{"q", {6, 7}}, {"r", {8}}};
  const TokenisedResponses c{{"q", {3, 2, 1}}, {"s", {1}}};
  const auto matrix = SimilarityMatrix({a, b, c});
  EXPECT_NEAR(matrix[0][0], 1.0, 1e-12);
  EXPECT_EQ(matrix[0][1], 0.0);
  EXPECT_NEAR(matrix[0][2], 1.0, 1e-12);  // of the question that both answered; order does not count
  EXPECT_EQ(matrix[1][2], matrix[2][1]);
}

// By hand: two responses {x, y} and {x, z}: idf of x is ln(3/3) + 1 = 1, of y and z ln(3/2) + 1 = 1.405.
TEST(SimilarityTest, WeighsWhatIsRareMore) {
  const auto matrix = SimilarityMatrix({{{"q", {1, 2}}}, {{"q", {1, 3}}}});
  const double rare = std::log(1.5) + 1;
  EXPECT_NEAR(matrix[0][1], 1 / (1 + rare * rare), 1e-12);
}

}  // namespace
}  // namespace tessy
