#include "train/boundary_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include <set>

#include "model/text/llama_vocabulary.h"
#include "weights/testing/word_vocabulary.h"

namespace tessy {
namespace {

using testing::Each;
using testing::HasSubstr;

// Knows no letter beyond ASCII, and has no bytes to make do with.
class LossyVocabulary final : public Vocabulary {
 public:
  size_t size() const override { return 128; }
  std::vector<TokenId> Tokenize(std::string_view text) const override {
    std::vector<TokenId> tokens;
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 128) tokens.push_back(c);
    }
    return tokens;
  }
  std::vector<TokenId> TokenizeMarkup(std::string_view text) const override { return Tokenize(text); }
  std::string_view Piece(TokenId token) const override { return {&kLetters[token], 1}; }
  TokenId Find(std::string_view) const override { return -1; }
  bool EndsGeneration(TokenId) const override { return false; }
  uint64_t fingerprint() const override { return 1; }

 private:
  static constexpr auto kLetters = [] {
    std::array<char, 128> letters{};
    for (size_t i = 0; i < letters.size(); ++i) letters[i] = static_cast<char>(i);
    return letters;
  }();
};

class BoundaryExamplesTest : public testing::Test {
 protected:
  BoundaryExamplesTest()
      : vocabulary_(LoadVocabulary(WordVocabulary({" okay , let's see . 7 * 3 = 8"}).path()).value()) {}
  std::shared_ptr<const Vocabulary> vocabulary_;
};

TEST_F(BoundaryExamplesTest, TheTargetIsTheClassOfTheNextToken) {
  //                       0    1 2    3     4      5 6 7 8 9
  const std::string text = " okay , let's see . 7 * 3 = 8";
  const Annotation window{.id = "w",
                          .trace_id = "t",
                          .text = text,
                          .start = 0,
                          .spans = {{.start = 1, .end = 19}},
                          .annotator = "x"};
  const auto example = BoundaryExample(window, *vocabulary_, 100);
  ASSERT_TRUE(example) << example.error().message;
  EXPECT_EQ(example->size(), vocabulary_->Tokenize(text).size());
  size_t style = 0;
  for (size_t i = 0; i < example->size(); ++i) {
    const bool last = i + 1 == example->size();
    EXPECT_EQ(example->targets[i] == Example::kIgnored, last);
    if (example->targets[i] == 1) {
      EXPECT_EQ(style++, i) << "style comes first, and without a gap";
    }
  }
  EXPECT_EQ(style, 5U);  // of six style tokens the first is foretold by nothing
}

TEST_F(BoundaryExamplesTest, ATokenIsStyleIfItOverlapsASpan) {
  const std::string text = " okay 7";
  for (const ByteRange span : {ByteRange{2, 3}, ByteRange{0, 1}, ByteRange{4, 5}}) {
    const Annotation window{.id = "w",
                            .trace_id = "t",
                            .text = " 7 okay 7",
                            .start = 0,
                            .spans = {{span.start + 2, span.end + 2}},
                            .annotator = "x"};
    EXPECT_THAT(BoundaryExample(window, *vocabulary_, 100).value().targets,
                testing::ElementsAre(1, 0, Example::kIgnored));
  }
}

TEST_F(BoundaryExamplesTest, LongWindowsAreCutOff) {
  const Annotation window{
      .id = "w", .trace_id = "t", .text = " 7 * 3 = 8", .start = 0, .spans = {}, .annotator = "x"};
  const auto example = BoundaryExample(window, *vocabulary_, 3).value();
  EXPECT_EQ(example.size(), 3U);
  EXPECT_EQ(example.targets.back(), Example::kIgnored);
}

TEST_F(BoundaryExamplesTest, TextThatTheVocabularyCannotHoldIsAnError) {
  const Annotation window{
      .id = "w7", .trace_id = "t", .text = " okay Übermut", .start = 0, .spans = {}, .annotator = "x"};
  const auto example = BoundaryExample(window, LossyVocabulary(), 100);
  ASSERT_FALSE(example);
  EXPECT_THAT(example.error().message, HasSubstr("window w7"));
}

std::vector<Annotation> Windows(size_t traces, size_t each) {
  std::vector<Annotation> windows;
  for (size_t i = 0; i < traces * each; ++i) {
    windows.push_back({.id = std::to_string(i),
                       .trace_id = "trace " + std::to_string(i % traces),
                       .text = "x",
                       .start = 0,
                       .spans = {},
                       .annotator = "x"});
  }
  return windows;
}

TEST(SplitTest, ATraceIsOnOneSideOnly) {
  const auto windows = Windows(100, 7);
  const auto split = SplitByTrace(windows, 0.05, 1).value();
  EXPECT_EQ(split.validation.size(), 35U);
  EXPECT_EQ(split.training.size(), 665U);
  std::set<std::string> judged;
  for (const size_t i : split.validation) judged.insert(windows[i].trace_id);
  EXPECT_EQ(judged.size(), 5U);
  for (const size_t i : split.training) EXPECT_FALSE(judged.contains(windows[i].trace_id));
}

TEST(SplitTest, DependsOnSeedAndIdsAlone) {
  auto windows = Windows(50, 3);
  const auto ids = [&](const std::vector<size_t>& indices) {
    std::set<std::string> traces;
    for (const size_t i : indices) traces.insert(windows[i].trace_id);
    return traces;
  };
  const auto first = ids(SplitByTrace(windows, 0.2, 1).value().validation);
  EXPECT_NE(ids(SplitByTrace(windows, 0.2, 2).value().validation), first);
  std::reverse(windows.begin(), windows.end());
  EXPECT_EQ(ids(SplitByTrace(windows, 0.2, 1).value().validation), first);
}

TEST(SplitTest, TooFewTracesAreAnErrorAndNoneAsideIsNot) {
  const auto windows = Windows(1, 9);
  const auto split = SplitByTrace(windows, 0.05, 1);
  ASSERT_FALSE(split);
  EXPECT_THAT(split.error().message, HasSubstr("of 1 trace:"));
  EXPECT_EQ(SplitByTrace(windows, 0.0, 1).value().training.size(), 9U);
  EXPECT_TRUE(SplitByTrace(windows, 0.0, 1).value().validation.empty());
}

}  // namespace
}  // namespace tessy
