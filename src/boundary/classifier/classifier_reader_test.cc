#include "boundary/classifier/classifier_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/utf8.h"
#include "boundary/window.h"
#include "model/llama/testing/driver.h"
#include "model/llama/testing/tiny_model.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

using Tokens = std::vector<TokenId>;

constexpr std::string_view kText =
    "Okay, let's see. The graph has n vertices, so first sort them.\n\nWait, maybe not: if (a < b) {\n\tb -= "
    "a;\n  // "
    "done\n}\nSo the answer is 42. 好的，让我想一想这道题。 Hmm, x\xFFy \xE4\xB8 and then \xF0\x9F\x98\x80 "
    "go on. Therefore "
    "f(x) = x^2 + 1, and that is it.\r\nAlternatively, count the pairs; there are 12 of them.\n\n\n  Yes.\n";

std::string Path(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / ("tessy_classifier_reader_test_" + name);
}

// What one role wrote in one span, as DraftTokens.
struct WrittenSpan {
  Role writer;
  std::vector<DraftToken> tokens;
};

// The answers by definition: the whole response is tokenised anew for every place, its window computed alone.
class Reference {
 public:
  Reference(std::shared_ptr<const LlamaModel> model, std::array<bool, 2> reads)
      : model_(std::move(model)),
        reads_(reads),
        engine_(Engine::Create(model_, {.sequences = 1, .context_tokens = 256}, driver_.post()).value()) {
    driver_.Add(*engine_);
  }

  // After the first `count` tokens of the last span.
  float StyleAfter(const std::vector<WrittenSpan>& spans, size_t count) {
    Tokens view;
    for (size_t i = 0; i < spans.size(); ++i) {
      Read(spans[i], i + 1 == spans.size() ? count : spans[i].tokens.size(), view);
    }
    const Tokens window(view.begin() + static_cast<std::ptrdiff_t>(WindowBegin(view.size())), view.end());
    windows_.insert({WindowBegin(view.size()), 0}).first->second++;
    const auto sequence = engine_->Open();
    sequence->Append(window);
    return model_->StyleProbability(LastRow(driver_, *sequence).data());
  }
  size_t windows() const { return windows_.size(); }

 private:
  void Read(const WrittenSpan& span, size_t count, Tokens& view) const {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      text += span.tokens[i].text;
      if (reads_[static_cast<size_t>(span.writer)] && !span.tokens[i].text.empty())
        view.push_back(span.tokens[i].id);
    }
    if (reads_[static_cast<size_t>(span.writer)]) return;
    const auto feed = [&](std::string_view piece) {
      const Tokens tokens = model_->vocabulary().Tokenize(Sanitize(piece));
      view.insert(view.end(), tokens.begin(), tokens.end());
    };
    PieceSplitter splitter;
    splitter.Push(text, feed);
    splitter.Finish(feed);
  }

  std::shared_ptr<const LlamaModel> model_;
  std::array<bool, 2> reads_;
  EngineDriver driver_;
  std::unique_ptr<Engine> engine_;
  std::map<size_t, int> windows_;
};

class ClassifierReaderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string own = Path("own.gguf");
    ASSERT_TRUE(WriteTinyModel(own, {.width = 32,
                                     .layers = 1,
                                     .heads = 2,
                                     .feed_forward = 32,
                                     .vocabulary = MakeTinyVocabulary(400, 1),
                                     .head_outputs = 2})
                    .has_value());
    model_ = LlamaModel::LoadClassifier(own, {.exact = true}).value();
    const std::string foreign = Path("foreign.gguf");
    ASSERT_TRUE(WriteVocabularyFile(foreign, MakeTinyVocabulary(330, 2)).has_value());
    foreign_ = LoadVocabulary(foreign).value();
  }
  static void TearDownTestSuite() {
    model_.reset();
    foreign_.reset();
  }

  void SetUp() override {
    engine_ = Engine::Create(model_, {.sequences = 16, .context_tokens = 256}, driver_.post()).value();
    driver_.Add(*engine_);
  }

  std::unique_ptr<ClassifierReader> Open(std::array<bool, 2> reads) {
    return std::make_unique<ClassifierReader>(engine_->Open(), model_, reads);
  }

  std::vector<float> Ask(ClassifierReader& reader, const std::vector<uint32_t>& places) {
    std::vector<float> answer;
    bool done = false;
    reader.Ask(places, [&](Result<std::vector<float>> result) {
      answer = std::move(result).value();
      done = true;
    });
    EXPECT_FALSE(done);
    driver_.RunUntil([&] { return done; });
    return answer;
  }

  static std::vector<DraftToken> Written(const Vocabulary& vocabulary, std::string_view text) {
    std::vector<DraftToken> tokens;
    for (const TokenId id : vocabulary.Tokenize(text))
      tokens.push_back({.id = id, .text = std::string(vocabulary.Piece(id))});
    return tokens;
  }

  static std::shared_ptr<const LlamaModel> model_;
  static std::shared_ptr<const Vocabulary> foreign_;
  EngineDriver driver_;
  std::unique_ptr<Engine> engine_;
};
std::shared_ptr<const LlamaModel> ClassifierReaderTest::model_;
std::shared_ptr<const Vocabulary> ClassifierReaderTest::foreign_;

// Places of a span at which its predictor may be asked.
std::vector<uint32_t> PlacesOf(const std::vector<DraftToken>& tokens, size_t appended, bool reads) {
  std::string text;
  std::vector<size_t> ends;
  for (size_t i = 0; i < appended; ++i) ends.push_back((text += tokens[i].text).size());
  std::vector<uint32_t> places;
  for (size_t i = 1; i <= appended; ++i) {
    if (ends[i - 1] == 0) continue;  // no text yet
    const std::string_view after = std::string_view(text).substr(ends[i - 1]);
    const bool known = !after.empty() && IncompleteTail(after) != after.size();
    if (reads || (known && IsCutPlace(std::string_view(text).substr(0, ends[i - 1]), after))) {
      places.push_back(static_cast<uint32_t>(i));
    }
  }
  return places;
}

struct Random {
  uint64_t seed;
  uint64_t draws = 0;
  size_t Below(size_t count) {
    return static_cast<size_t>(UniformAt(seed, 0, draws++) * static_cast<double>(count));
  }
};

// A response of about 500 tokens, written in spans, drafts and rollbacks; every reader hears it in another
// way.
TEST_F(ClassifierReaderTest, AnswersAreThoseOfTheTextHoweverItCame) {
  size_t asked = 0;
  size_t windows = 0;
  float low = 1.0F;
  float high = 0.0F;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Random random{seed};
    const std::array<bool, 2> reads =
        std::array<std::array<bool, 2>, 3>{{{true, true}, {false, false}, {true, false}}}[seed % 3];
    Reference reference(model_, reads);
    const auto by_token = Open(reads);
    const auto at_once = Open(reads);
    std::vector<WrittenSpan> spans;
    size_t length = 0;
    for (Role writer = Role::kStudent; length < 520; writer = Other(writer)) {
      const Vocabulary& vocabulary = reads[Index(writer)] ? model_->vocabulary() : *foreign_;
      std::string long_text(kText.substr(random.Below(kText.size())));
      for (size_t i = 0; i < 3; ++i) long_text += kText;
      const auto tokens = Written(vocabulary, long_text);
      const size_t size = 1 + random.Below(seed % 4 == 1 ? 250 : 60);
      spans.push_back({writer, {}});
      std::vector<DraftToken>& span = spans.back().tokens;
      size_t next = 0;
      while (span.size() < size) {
        const size_t draft = 1 + random.Below(20);
        const std::vector<DraftToken> drafted(tokens.begin() + static_cast<std::ptrdiff_t>(next),
                                              tokens.begin() + static_cast<std::ptrdiff_t>(next + draft));
        span.insert(span.end(), drafted.begin(), drafted.end());
        next += draft;
        at_once->Append(writer, drafted);
        for (const DraftToken& token : drafted) by_token->Append(writer, {&token, 1});
        if (random.Below(3) == 0 && draft > 1) {  // taken back, and something else said
          const size_t back = 1 + random.Below(std::min(draft, span.size()));
          span.resize(span.size() - back);
          at_once->Rollback(back);
          by_token->Rollback(back);
          next += random.Below(7);
        }
        if (random.Below(3) == 0) continue;
        std::vector<uint32_t> places = PlacesOf(span, span.size(), reads[Index(writer)]);
        std::erase_if(places, [&](uint32_t place) { return place + 8 < span.size(); });
        if (places.empty()) continue;
        std::vector<float> expected;
        for (const uint32_t place : places) expected.push_back(reference.StyleAfter(spans, place));
        ASSERT_EQ(Ask(*at_once, places), expected) << "seed " << seed << ", span " << spans.size();
        for (size_t i = 0; i < places.size(); ++i) {
          ASSERT_EQ(Ask(*by_token, {places[i]}), std::vector{expected[i]}) << "seed " << seed;
          low = std::min(low, expected[i]);
          high = std::max(high, expected[i]);
        }
        asked += places.size();
      }
      length += span.size();
      at_once->EndSpan();
      by_token->EndSpan();
    }
    windows = std::max(windows, reference.windows());
  }
  EXPECT_GT(asked, 500U);
  EXPECT_GE(windows, 4U);  // the window was moved at least three times in one response
  EXPECT_LT(low, 0.3F);
  EXPECT_GT(high, 0.7F);
}

TEST_F(ClassifierReaderTest, ManyReadersAskAtTheSameTime) {
  const std::array<bool, 2> reads{true, true};
  Reference reference(model_, reads);
  const auto tokens = Written(model_->vocabulary(), std::string(kText) + std::string(kText));
  std::vector<std::unique_ptr<ClassifierReader>> readers;
  std::vector<std::vector<float>> answers(16);
  size_t done = 0;
  for (size_t i = 0; i < 16; ++i) {
    readers.push_back(Open(reads));
    const std::span<const DraftToken> own(tokens.data(), 20 * i + 3);
    readers.back()->Append(Role::kTeacher, own);
    const auto last = static_cast<uint32_t>(own.size());
    const std::vector<uint32_t> places{last - 2, last - 1, last};
    readers.back()->Ask(places, [&answers, &done, i](Result<std::vector<float>> result) {
      answers[i] = std::move(result).value();
      ++done;
    });
  }
  driver_.RunUntil([&] { return done == 16; });
  for (size_t i = 0; i < 16; ++i) {
    const std::vector<WrittenSpan> span{
        {Role::kTeacher, {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(20 * i + 3)}}};
    for (size_t j = 0; j < 3; ++j) EXPECT_EQ(answers[i][j], reference.StyleAfter(span, 20 * i + 1 + j)) << i;
  }
}

TEST_F(ClassifierReaderTest, TokensWithoutTextChangeNoAnswer) {
  const auto reader = Open({true, true});
  auto tokens = Written(model_->vocabulary(), "Okay, so");
  tokens.insert(tokens.begin() + 2, {.id = 3, .text = ""});
  reader->Append(Role::kStudent, tokens);
  const std::vector<float> answer = Ask(*reader, {2, 3, 4});
  EXPECT_EQ(answer[0], answer[1]);
  EXPECT_NE(answer[1], answer[2]);
}

TEST_F(ClassifierReaderTest, AReaderMayGoWhileItIsAsked) {
  bool called = false;
  for (int round = 0; round < 10; ++round) {
    auto reader = Open({true, true});
    const auto tokens = Written(model_->vocabulary(), kText);
    reader->Append(Role::kStudent, tokens);
    const std::vector<uint32_t> places{1, 2, static_cast<uint32_t>(tokens.size())};
    reader->Ask(places, [&](const Result<std::vector<float>>&) { called = true; });
    if (!engine_->busy()) engine_->StartBatch();
    if (round % 2 == 0) driver_.Poll();
    reader.reset();
  }
  driver_.Settle();
  EXPECT_FALSE(called);
}

// A vocabulary of whole words drops what it has no token for.
TEST_F(ClassifierReaderTest, TextThatThePredictorHasNoTokensForIsReadAsNothing) {
  TinyModelSpec spec;
  spec.head_outputs = 2;
  spec.vocabulary.tokens = {"<|endoftext|>", "o",     "k",       "a",       "y", "Ġ", "ok", "ay",
                            "okay",          "Ġokay", "<think>", "</think>"};
  spec.vocabulary.types.assign(spec.vocabulary.tokens.size(), TinyVocabulary::kNormal);
  spec.vocabulary.merges = {"o k", "a y", "ok ay", "Ġ okay"};
  const std::string path = Path("words.gguf");
  ASSERT_TRUE(WriteTinyModel(path, spec).has_value());
  const auto words = LlamaModel::LoadClassifier(path, {.exact = true}).value();
  ASSERT_TRUE(words->vocabulary().Tokenize("Quux").empty());
  EngineDriver driver;
  const auto engine = Engine::Create(words, {.sequences = 1, .context_tokens = 256}, driver.post()).value();
  driver.Add(*engine);
  ClassifierReader reader(engine->Open(), words, {false, false});
  const std::vector<DraftToken> tokens{{.id = 0, .text = "Quux"},
                                       {.id = 0, .text = "Zu"},
                                       {.id = 0, .text = " okay"},
                                       {.id = 0, .text = " Z"}};
  reader.Append(Role::kStudent, tokens);
  std::vector<float> answer;
  reader.Ask(std::vector<uint32_t>{1, 2, 3},
             [&](Result<std::vector<float>> result) { answer = std::move(result).value(); });
  driver.RunUntil([&] { return !answer.empty(); });
  ASSERT_EQ(answer.size(), 3U);
  EXPECT_EQ(answer[0], answer[1]);
  Reference reference(words, {false, false});
  EXPECT_EQ(answer[2], reference.StyleAfter({{Role::kStudent, tokens}}, 3));
}

}  // namespace
}  // namespace tessy
