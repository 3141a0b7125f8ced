#include "select/contamination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "select/shingles.h"

namespace tessy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// `count` words that no other text has.
std::string Words(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += (text.empty() ? "w" : " w") + std::to_string(i);
  return text;
}

class ContaminationTest : public testing::Test {
 protected:
  void Ask(const std::string& text) { contamination_.AddQuestion(next_++, text, Shingles(text)); }

  Contamination contamination_;
  uint32_t next_ = 0;
};

TEST_F(ContaminationTest, EqualTextsAndNearOnesAreFound) {
  contamination_.AddEvaluation("print the sum of a and b");
  contamination_.AddEvaluation(Words(0, 60));
  Ask("print the product of a and b");
  Ask("print the sum of a and b");
  Ask(Words(0, 50) + " " + Words(1000, 8));
  Ask(Words(0, 30) + " " + Words(2000, 25));
  EXPECT_THAT(contamination_.Find(),
              ElementsAre(Contaminated{.question = 1, .evaluation = 0, .how = "equal"},
                          Contaminated{.question = 2, .evaluation = 1, .how = "Jaccard index 0.72"},
                          Contaminated{.question = 3, .evaluation = 1, .how = "18 of 48 runs of 13 words"}));
}

TEST_F(ContaminationTest, AnEvaluationInsideALongQuestionIsFound) {
  contamination_.AddEvaluation(Words(0, 30));
  Ask(Words(5000, 300) + " " + Words(0, 30) + " " + Words(6000, 300));
  EXPECT_THAT(contamination_.Find(),
              ElementsAre(Contaminated{.question = 0, .evaluation = 0, .how = "18 of 18 runs of 13 words"}));
}

TEST_F(ContaminationTest, WhatManyQuestionsShareIsNoSign) {
  const std::string frame = Words(0, 20);  // 8 runs of 13 words
  contamination_.AddEvaluation(frame + " " + Words(100, 20));
  for (int i = 0; i < 40; ++i) Ask(frame + " " + Words(10000 + i * 100, 60));
  EXPECT_THAT(contamination_.Find(), IsEmpty());
}

TEST_F(ContaminationTest, AShortQuoteOfALongEvaluationIsNoSign) {
  contamination_.AddEvaluation(Words(0, 200));
  Ask(Words(0, 30) + " " + Words(5000, 200));  // 18 of 188
  EXPECT_THAT(contamination_.Find(), IsEmpty());
}

TEST_F(ContaminationTest, WithoutEvaluationsNothingIsFound) {
  EXPECT_TRUE(contamination_.empty());
  Ask("anything");
  EXPECT_THAT(contamination_.Find(), IsEmpty());
}

}  // namespace
}  // namespace tessy
