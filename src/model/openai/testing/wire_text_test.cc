#include "model/openai/testing/wire_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/utf8.h"

namespace tessy {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::string_view kQuestion =
    "<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n<think>\n";

std::vector<int32_t> Write(std::string_view model, std::string_view question, std::string response,
                           std::string* whole = nullptr) {
  const PhraseVocabulary& vocabulary = PhraseVocabulary::Edition(0);
  WireText text(vocabulary, {}, model, question, response);
  std::vector<int32_t> ids;
  for (int i = 0; i < 2000 && (ids.empty() || ids.back() != PhraseVocabulary::kMessageEnd); ++i) {
    ids.push_back(text.Next());
    if (ids.back() != PhraseVocabulary::kMessageEnd) response += vocabulary.Spelling(ids.back());
  }
  if (whole != nullptr) *whole = response;
  return ids;
}

TEST(PhraseVocabulary, EveryTextIsTheTokensThatItIsCutInto) {
  for (const int edition : {0, 1}) {
    const PhraseVocabulary& vocabulary = PhraseVocabulary::Edition(edition);
    for (const std::string text : {"Okay, let me see.\n\n 12 + 30 = 42",
                                   "π ≈ 3 日本語 時間 🙂 \x01\xff", "<|im_end|> <think>"}) {
      for (const bool special : {false, true}) {
        EXPECT_EQ(vocabulary.Text(vocabulary.Tokenize(text, special)), text);
      }
    }
    EXPECT_EQ(vocabulary.Tokenize("<|im_end|>", true), std::vector{PhraseVocabulary::kMessageEnd});
    EXPECT_GT(vocabulary.Tokenize("<|im_end|>", false).size(), 1U);
    EXPECT_EQ(vocabulary.Tokenize("</think>", false), std::vector{PhraseVocabulary::kCloseThink});
  }
  EXPECT_NE(PhraseVocabulary::Edition(0).Tokenize(" Okay", false),
            PhraseVocabulary::Edition(1).Tokenize(" Okay", false));
}

TEST(WireText, ThinksClosesAnswersAndEnds) {
  for (int i = 0; i < 50; ++i) {
    std::string whole;
    const auto ids = Write("m", std::string(kQuestion) + std::to_string(i), "", &whole);
    EXPECT_EQ(ids.back(), PhraseVocabulary::kMessageEnd);
    EXPECT_GT(ids.size(), 25U);
    EXPECT_LT(ids.size(), 600U);
    EXPECT_THAT(whole, HasSubstr("\n</think>\n\nThe answer is "));
    EXPECT_THAT(whole, EndsWith("."));
    EXPECT_TRUE(IsValidUtf8(whole));
  }
}

TEST(WireText, WhoeverAsksAgainAnywhereIsToldTheSame) {
  const PhraseVocabulary& vocabulary = PhraseVocabulary::Edition(0);
  std::string whole;
  for (const char* response : {"", " So we take", " the other role's w", " Okay", " 12 + 30 =", " hm 日本"}) {
    const auto ids = Write("m", kQuestion, response, &whole);
    std::string so_far = response;
    for (size_t i = 0; i < ids.size(); ++i) {
      WireText again(vocabulary, {}, "m", kQuestion, so_far);
      ASSERT_EQ(again.Next(), ids[i]) << "after: " << so_far;
      so_far += vocabulary.Spelling(ids[i]);
    }
  }
}

TEST(WireText, DependsOnTheModelTheQuestionAndTheResponse) {
  std::set<std::vector<int32_t>> all;
  all.insert(Write("a", kQuestion, ""));
  all.insert(Write("b", kQuestion, ""));
  all.insert(Write("a", "another question\n<think>\n", ""));
  all.insert(Write("a", kQuestion, " Wait, 12 + 12 = 24."));
  EXPECT_EQ(all.size(), 4U);
}

TEST(WireText, TwoModelsInTurnsComeToAnEnd) {
  const PhraseVocabulary& vocabulary = PhraseVocabulary::Edition(0);
  std::string response;
  for (int turn = 0; turn < 1000 && response.find("</think>") == std::string::npos; ++turn) {
    WireText text(vocabulary, {}, turn % 2 == 0 ? "student" : "teacher", kQuestion, response);
    for (int i = 0; i < 1 + turn % 7; ++i) response += vocabulary.Spelling(text.Next());
  }
  EXPECT_THAT(response, HasSubstr("</think>"));
}

TEST(WireText, MarkersAreStyle) {
  EXPECT_GT(WireStyleProbability(""), 0.5);
  EXPECT_GT(WireStyleProbability("so 1 + 1 = 2."), 0.5);
  EXPECT_GT(WireStyleProbability("so 1 + 1 = 2. Let me"), 0.5);
  EXPECT_LT(WireStyleProbability("so 1 + 1 = 2. Let me check. 1"), 0.5);
}

}  // namespace
}  // namespace tessy
