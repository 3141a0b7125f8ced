#include "train/sft_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "model/llama/testing/tiny_model.h"
#include "model/text/llama_vocabulary.h"
#include "weights/testing/word_vocabulary.h"

namespace tessy {
namespace {

using testing::HasSubstr;

class SftExamplesTest : public testing::Test {
 protected:
  SftExamplesTest()
      : words_({" CODE 7 * 3 okay , = 8 ; the answer is"}),
        vocabulary_(LoadVocabulary(words_.path()).value()),
        format_(ChatFormat::Load(GgufFile::Open(words_.path()).value(), *vocabulary_, "", {}).value()) {}

  static Response Cooperative() {
    Response response;
    response.id = "q/0";
    response.messages = {
        {.role = "user", .content = "CODE 7 * 3"},
        {.role = "assistant", .content = "<think> okay , 7 * 3 = 8 ;</think> the answer is 8"}};
    response.spans = {
        {.role = Role::kStudent, .kind = SpanKind::kStyle, .start = 7, .end = 14, .tokens = 2},
        {.role = Role::kTeacher, .kind = SpanKind::kCapability, .start = 14, .end = 26, .tokens = 6},
        {.role = Role::kStudent, .kind = SpanKind::kAnswer, .start = 34, .end = 50, .tokens = 4}};
    return response;
  }

  std::string Text(const Example& example) const {
    std::string text;
    for (const int32_t token : example.tokens) text += vocabulary_->Piece(token);
    return text;
  }

  WordVocabulary words_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  ChatFormat format_;
};

TEST_F(SftExamplesTest, ThePromptTeachesNothingAndEveryKindItsTokens) {
  const auto example = SftExample(Cooperative(), format_, *vocabulary_, {});
  ASSERT_TRUE(example) << example.error().message;
  const std::vector<Message> question{Cooperative().messages.front()};
  const auto prompt = format_.Prompt(question, *vocabulary_).value();
  std::vector<std::string> kinds;
  for (size_t i = 0; i < example->size(); ++i) {
    const bool asked = i + 1 >= prompt.size() && i + 1 < example->size();
    EXPECT_EQ(example->targets[i], asked ? example->tokens[i + 1] : Example::kIgnored) << i;
    if (asked) kinds.emplace_back(Name(example->kinds[i]));
  }
  const std::vector<std::string> expected{
      "style",      "style",      "capability", "capability", "capability",
      "capability", "capability", "capability", "answer",  // </think>
      "answer",     "answer",     "answer",     "answer",     "answer"};
  EXPECT_EQ(kinds, expected);
  EXPECT_EQ(example->tokens.back(), format_.answer_end());
  EXPECT_THAT(Text(*example), HasSubstr(" okay , 7 * 3 = 8 ;"));
}

TEST_F(SftExamplesTest, WeightsGoByKind) {
  SftExampleOptions options;
  options.weights = {2.0F, 0.0F, 0.5F, 1.0F};
  const auto example = SftExample(Cooperative(), format_, *vocabulary_, options).value();
  for (size_t i = 0; i < example.size(); ++i) {
    const float expected = example.targets[i] == Example::kIgnored
                               ? 0.0F
                               : options.weights[static_cast<size_t>(example.kinds[i])];
    EXPECT_EQ(example.weights[i], expected);
  }
}

TEST_F(SftExamplesTest, MarkersInTextAreNotMarkup) {
  Response response = Cooperative();
  response.messages[1].content = "<think> okay ,</think> the answer is </think>";
  response.spans = {{.role = Role::kStudent, .kind = SpanKind::kStyle, .start = 7, .end = 14, .tokens = 2},
                    {.role = Role::kStudent, .kind = SpanKind::kAnswer, .start = 22, .end = 45, .tokens = 4}};
  const Example example = SftExample(response, format_, *vocabulary_, {}).value();
  EXPECT_EQ(std::count(example.tokens.begin(), example.tokens.end(), vocabulary_->Find("</think>")), 1);
}

TEST_F(SftExamplesTest, ASystemTurnIsPutWhereThereIsNone) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("sft_examples_test." + std::to_string(getpid()) + ".gguf");
  TinyModelSpec spec;
  spec.vocabulary = MakeTinyVocabulary(300, 1);
  spec.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  ASSERT_TRUE(WriteTinyModel(path, spec));
  const auto vocabulary = LoadVocabulary(path).value();
  const auto format = ChatFormat::Load(GgufFile::Open(path).value(), *vocabulary, "", {}).value();
  std::filesystem::remove(path);

  const Response response = Cooperative();
  const auto plain = SftExample(response, format, *vocabulary, {}).value();
  const auto isolated = SftExample(response, format, *vocabulary, {.system = "new"}).value();
  EXPECT_GT(isolated.size(), plain.size());
  Response with_system = response;
  with_system.messages.insert(with_system.messages.begin(), {.role = "system", .content = "new"});
  EXPECT_EQ(SftExample(with_system, format, *vocabulary, {.system = "old"}).value(), isolated);
}

TEST_F(SftExamplesTest, AnAnswerAloneStandsBehindThePromptOfOne) {
  Response response = Cooperative();
  response.thinks = false;
  response.messages.back().content = " the answer is 8";
  response.spans = {{.role = Role::kStudent, .kind = SpanKind::kAnswer, .start = 0, .end = 16, .tokens = 4}};
  const auto example = SftExample(response, format_, *vocabulary_, {});
  ASSERT_TRUE(example) << example.error().message;
  const std::vector<Message> question{response.messages.front()};
  std::vector<TokenId> expected = format_.Prompt(question, *vocabulary_, /*thinks=*/false).value();
  const auto answer = vocabulary_->Tokenize(" the answer is 8");
  expected.insert(expected.end(), answer.begin(), answer.end());
  expected.push_back(format_.answer_end());
  EXPECT_EQ(std::vector<TokenId>(example->tokens.begin(), example->tokens.end()), expected);
}

TEST_F(SftExamplesTest, AResponseWithoutThinkingIsAnError) {
  Response response = Cooperative();
  response.spans.erase(response.spans.begin(), response.spans.begin() + 2);
  const auto example = SftExample(response, format_, *vocabulary_, {});
  ASSERT_FALSE(example);
  EXPECT_THAT(example.error().message, HasSubstr("q/0"));
}

}  // namespace
}  // namespace tessy
