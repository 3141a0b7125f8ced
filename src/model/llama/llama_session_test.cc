#include "model/llama/llama_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "model/llama/testing/driver.h"
#include "model/llama/testing/tiny_model.h"

namespace tessy {
namespace {

using Tokens = std::vector<TokenId>;

constexpr Sampling kAnyToken{.temperature = 100.0F, .top_p = 1.0F, .top_k = 0};  // nearly uniform
constexpr Sampling kTextTokens{.temperature = 2.0F, .top_p = 1.0F, .top_k = 0};

// Bytes, a few merges that matter here, and the markers.
TinyVocabulary SessionVocabulary() {
  TinyVocabulary vocabulary = MakeTinyVocabulary(330, 3);
  const std::vector<std::pair<std::string, std::string>> merges{{"Ċ", "Ċ"}, {"<", "/"}, {"k", ">"}};
  for (const auto& [left, right] : merges) {
    vocabulary.tokens.push_back(left + right);
    vocabulary.types.push_back(TinyVocabulary::kNormal);
    vocabulary.merges.push_back(left + " " + right);
  }
  return vocabulary;
}

class SessionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string path = std::filesystem::path(testing::TempDir()) / "tessy_session_test.gguf";
    ASSERT_TRUE(
        WriteTinyModel(path, {.width = 32, .heads = 2, .vocabulary = SessionVocabulary()}).has_value());
    model_ = LlamaModel::Load(path, {.exact = true}).value();
  }
  static void TearDownTestSuite() { model_.reset(); }

  void SetUp() override {
    engine_ = Engine::Create(model_, {.sequences = 4, .context_tokens = 256}, driver_.post()).value();
    driver_.Add(*engine_);
  }

  const Vocabulary& vocabulary() const { return model_->vocabulary(); }
  Tokens Prompt() const { return vocabulary().TokenizeMarkup("What is 6 times 7?<think>"); }

  struct Opened {
    std::unique_ptr<LlamaSession> session;
    Sequence* sequence;  // the session's

    Tokens View(size_t prompt) const {
      return {sequence->tokens().begin() + static_cast<std::ptrdiff_t>(prompt), sequence->tokens().end()};
    }
  };
  struct How {
    Tokens prompt{};  // empty: Prompt()
    Tokens end_tokens{};
    Sampling sampling = kTextTokens;
    bool shares_vocabulary = false;
  };
  Opened Open(const How& how) {
    LlamaSessionOptions options{.prompt = how.prompt.empty() ? Prompt() : how.prompt,
                                .close_tokens = {vocabulary().Find("</think>")},
                                .end_tokens = how.end_tokens,
                                .sampling = how.sampling,
                                .shares_vocabulary = how.shares_vocabulary};
    auto sequence = engine_->Open();
    Sequence* raw = sequence.get();
    return {std::make_unique<LlamaSession>(std::move(sequence), vocabulary(), std::move(options)), raw};
  }
  Opened Open(bool shares = false) { return Open(How{.shares_vocabulary = shares}); }

  Draft Generate(Session& session, uint32_t tokens, DraftPosition position = {},
                 std::span<const std::string> stop_texts = {}) {
    Result<Draft> result;
    bool done = false;
    session.Generate({.tokens_max = tokens, .position = position, .stop_texts = stop_texts},
                     [&](Result<Draft> draft) {
                       result = std::move(draft);
                       done = true;
                     });
    EXPECT_FALSE(done);  // never inside the call
    driver_.RunUntil([&] { return done; });
    EXPECT_TRUE(result.has_value());
    return result.value();
  }

  std::vector<DraftToken> Drafted(const Tokens& ids) const {
    std::vector<DraftToken> tokens;
    for (const TokenId id : ids) tokens.push_back({.id = id, .text = std::string(vocabulary().Piece(id))});
    return tokens;
  }
  // The ids of these token texts.
  Tokens Ids(const std::vector<std::string>& texts) const {
    Tokens ids;
    for (const std::string& text : texts) {
      ids.push_back(vocabulary().Find(text));
      EXPECT_GE(ids.back(), 0) << text;
    }
    return ids;
  }

  static std::shared_ptr<const LlamaModel> model_;
  EngineDriver driver_;
  std::unique_ptr<Engine> engine_;
};
std::shared_ptr<const LlamaModel> SessionTest::model_;

DraftPosition After(uint64_t stream, const std::vector<DraftToken>& tokens) {
  DraftPosition position{.stream = stream};
  for (const DraftToken& token : tokens) {
    position.offset += token.text.size();
    position.zero_byte_tokens = token.text.empty() ? position.zero_byte_tokens + 1 : 0;
  }
  return position;
}

// ---- Drafts

TEST_F(SessionTest, DrawsTheSameHoweverTheDraftsAreCut) {
  std::vector<DraftToken> whole;
  for (const std::vector<uint32_t>& sizes : {std::vector<uint32_t>{60}, {1}, {7}, {3, 1, 20, 2}}) {
    const Opened opened = Open();
    std::vector<DraftToken> tokens;
    for (size_t i = 0; tokens.size() < 60; ++i) {
      const auto size =
          std::min<uint32_t>(sizes[i % sizes.size()], static_cast<uint32_t>(60 - tokens.size()));
      const Draft draft = Generate(*opened.session, size, After(5, tokens));
      ASSERT_FALSE(draft.tokens.empty());
      tokens.insert(tokens.end(), draft.tokens.begin(), draft.tokens.end());
      ASSERT_TRUE(draft.tokens.size() == size || draft.tokens.back().end != DraftToken::End::kNone);
    }
    if (whole.empty()) whole = tokens;
    EXPECT_EQ(tokens, whole);
  }
  EXPECT_NE(whole[0], whole[1]);
}

TEST_F(SessionTest, AnotherStreamDrawsOtherTokens) {
  const Draft first = Generate(*Open().session, 20, {.stream = 1});
  const Draft second = Generate(*Open().session, 20, {.stream = 2});
  EXPECT_NE(first.tokens, second.tokens);
}

TEST_F(SessionTest, RollingBackLeavesNoTrace) {
  const Opened straight = Open();
  const Draft whole = Generate(*straight.session, 12, {.stream = 3});
  const Opened detour = Open();
  std::vector<DraftToken> kept;
  for (const size_t keep : {3, 2, 7}) {
    // What is drafted on another stream is taken back.
    const Draft wrong = Generate(*detour.session, 9, {.stream = 77, .offset = kept.size()});
    detour.session->Rollback(wrong.tokens.size());
    const Draft draft = Generate(*detour.session, static_cast<uint32_t>(keep) + 2, After(3, kept));
    const size_t drop = draft.tokens.size() > keep ? draft.tokens.size() - keep : 0;
    detour.session->Rollback(drop);
    kept.insert(kept.end(), draft.tokens.begin(), draft.tokens.end() - static_cast<std::ptrdiff_t>(drop));
  }
  ASSERT_EQ(whole.tokens.size(), 12U);
  EXPECT_EQ(kept, whole.tokens);
  EXPECT_EQ(detour.sequence->tokens(), straight.sequence->tokens());
}

// What two sessions do that are told the same, one of them by its own earlier drafts.
// Left to the other role's first token, it would make their batch uneven: two graphs in place of one.
TEST_F(SessionTest, LastTokenOfASpanIsComputedWithTheOthersNextTokens) {
  const Opened drew = Open();
  Generate(*drew.session, 3);
  EXPECT_EQ(engine_->pending_tokens(), 0U) << "who goes on after the last token is not known";
  drew.session->Rollback(0);
  EXPECT_EQ(engine_->pending_tokens(), 1U);
}

TEST_F(SessionTest, RecalledDraftsStandAsThoseThatWereDrawn) {
  for (const bool shares : {true, false}) {
    const Opened drew = Open(shares);
    const Opened recalls = Open(shares);
    std::vector<DraftToken> text;
    for (uint64_t span = 0; span < 4; ++span) {
      const Draft draft = Generate(*drew.session, 9, After(20 + span, text));
      recalls.session->Recall(draft.tokens);
      const size_t drop = std::min<size_t>(span, draft.tokens.size() - 1);
      for (const Opened* opened : {&drew, &recalls}) opened->session->Rollback(drop);
      text.insert(text.end(), draft.tokens.begin(), draft.tokens.end() - static_cast<std::ptrdiff_t>(drop));
      const auto heard = Drafted(Ids({"k>", "a", "\n\n"}));
      for (const Opened* opened : {&drew, &recalls}) {
        opened->session->Listen(heard);
        opened->session->EndListening();
      }
      text.insert(text.end(), heard.begin(), heard.end());
      ASSERT_EQ(recalls.sequence->tokens(), drew.sequence->tokens());
    }
    EXPECT_EQ(recalls.session->ContextLeft(), drew.session->ContextLeft());
    EXPECT_EQ(Generate(*recalls.session, 12, {.stream = 3}).tokens,
              Generate(*drew.session, 12, {.stream = 3}).tokens);
    std::string thinking;
    for (const DraftToken& token : text) thinking += token.text;
    for (const Opened* opened : {&drew, &recalls}) opened->session->OpenAnswer(thinking, "</think>\n\n");
    EXPECT_EQ(recalls.sequence->tokens(), drew.sequence->tokens());
    const Draft answer = Generate(*drew.session, 9, {.stream = 4});
    recalls.session->Recall(answer.tokens);
    EXPECT_EQ(Generate(*recalls.session, 5, {.stream = 5}).tokens,
              Generate(*drew.session, 5, {.stream = 5}).tokens);
  }
}

TEST_F(SessionTest, RecalledDraftThatNoLongerFitsLeavesNoRoom) {
  const Opened opened = Open();
  opened.session->Recall(Drafted(Tokens(300, vocabulary().Find("a"))));
  EXPECT_EQ(opened.session->ContextLeft(), 0U);
  EXPECT_TRUE(Generate(*opened.session, 3).context_full);
}

TEST_F(SessionTest, StopsAfterTheTokenThatCompletesAStopText) {
  const std::vector<std::string> stops{"a", "\xE4"};
  const Opened opened = Open(How{.sampling = kAnyToken});
  std::vector<DraftToken> all;
  int stopped = 0;
  for (int i = 0; i < 20; ++i) {
    const Draft draft = Generate(*opened.session, 5, After(8, all), stops);
    for (size_t j = 0; j < draft.tokens.size(); ++j) {
      const std::string& text = draft.tokens[j].text;
      const bool stop = text.find('a') != std::string::npos || text.find('\xE4') != std::string::npos;
      EXPECT_TRUE(!stop || j + 1 == draft.tokens.size());
      stopped += stop && j + 1 < 5 ? 1 : 0;
    }
    all.insert(all.end(), draft.tokens.begin(), draft.tokens.end());
  }
  EXPECT_GT(stopped, 0);
}

TEST_F(SessionTest, FindsAStopTextThatComesInPieces) {
  const Draft free = Generate(*Open().session, 12, {.stream = 4});
  ASSERT_GE(free.tokens.size(), 8U);
  // The end of the fourth token and the beginning of the fifth.
  const std::vector<std::string> stops{free.tokens[3].text.substr(free.tokens[3].text.size() - 1) +
                                       free.tokens[4].text};
  const Draft draft = Generate(*Open().session, 12, {.stream = 4}, stops);
  EXPECT_EQ(draft.tokens.size(), 5U);
}

TEST_F(SessionTest, ADraftEndsWithTheCloseTokenAndWithTheEndOfTheSequence) {
  int closed = 0;
  int ended = 0;
  const TokenId close = vocabulary().Find("</think>");
  for (uint64_t stream = 0; stream < 60; ++stream) {
    const Draft draft =
        Generate(*Open(How{.end_tokens = {'Z'}, .sampling = kAnyToken}).session, 100, {.stream = stream});
    for (size_t i = 0; i < draft.tokens.size(); ++i) {
      const DraftToken& token = draft.tokens[i];
      const bool ends = token.id == 'Z' || vocabulary().EndsGeneration(token.id);
      const auto expected = token.id == close ? DraftToken::End::kThinking
                            : ends            ? DraftToken::End::kSequence
                                              : DraftToken::End::kNone;
      ASSERT_EQ(token.end, expected);
      if (expected == DraftToken::End::kNone) continue;
      EXPECT_EQ(token.text, "");
      EXPECT_EQ(i + 1, draft.tokens.size());
      ++(expected == DraftToken::End::kThinking ? closed : ended);
    }
  }
  EXPECT_GT(closed, 0);
  EXPECT_GT(ended, 0);
}

TEST_F(SessionTest, ASessionMayGoWhileItDrafts) {
  bool called = false;
  for (int round = 0; round < 10; ++round) {
    auto opened = Open();
    opened.session->Generate({.tokens_max = 50, .position = {}, .stop_texts = {}},
                             [&](const Result<Draft>&) { called = true; });
    engine_->StartBatch();
    if (round % 2 == 0) driver_.Poll();
    opened.session.reset();
    Generate(*Open().session, 5);
  }
  EXPECT_FALSE(called);
}

// ---- Listening

TEST_F(SessionTest, HearsAnotherVocabularyInPieces) {
  for (const std::string text :
       {"Okay, let's see.\n\n  if (x):\n\treturn 中文 \xF0\x9F\x98\x80 yes", "bad \xFF\xC0 bytes\xE4\xB8"}) {
    Tokens expected;
    PieceSplitter splitter;
    const auto feed = [&](std::string_view piece) {
      const Tokens tokens = vocabulary().Tokenize(Sanitize(piece));
      expected.insert(expected.end(), tokens.begin(), tokens.end());
    };
    splitter.Push(text, feed);
    splitter.Finish(feed);
    for (const size_t size : {size_t{1}, size_t{2}, size_t{5}, text.size()}) {
      const Opened opened = Open();
      for (size_t begin = 0; begin < text.size(); begin += size) {
        const DraftToken token{.id = 7, .text = text.substr(begin, size)};
        opened.session->Listen({&token, 1});
      }
      opened.session->EndListening();
      EXPECT_EQ(opened.View(Prompt().size()), expected) << size;
      EXPECT_EQ(opened.session->ContextLeft(), 256 - Prompt().size() - expected.size());
    }
  }
}

TEST_F(SessionTest, TakesOverTokensWhereTheVocabularyIsShared) {
  const Opened opened = Open(true);
  // Ids that tokenising the text would not give.
  std::vector<DraftToken> heard = Drafted({'l', 'e', 't', ' ', 'u', 's'});
  heard.push_back({.id = vocabulary().Find("</think>"), .text = "", .end = DraftToken::End::kThinking});
  opened.session->Listen(heard);
  opened.session->EndListening();
  EXPECT_EQ(opened.View(Prompt().size()), (Tokens{'l', 'e', 't', ' ', 'u', 's'}));
}

TEST_F(SessionTest, DraftsFollowWhatWasHeard) {
  const Opened heard = Open(true);
  heard.session->Listen(Drafted({'o', 'k'}));
  heard.session->EndListening();
  const Draft draft = Generate(*heard.session, 10, {.stream = 6, .offset = 2});
  Tokens prompt = Prompt();
  prompt.insert(prompt.end(), {'o', 'k'});
  const Opened fresh = Open(How{.prompt = prompt});
  EXPECT_EQ(draft.tokens, Generate(*fresh.session, 10, {.stream = 6, .offset = 2}).tokens);
}

// ---- The context's end

TEST_F(SessionTest, DraftsUntilTheContextIsFull) {
  // Little room, so that the model has no time to end by itself.
  constexpr size_t kRoom = 12;
  const Opened opened = Open(How{.prompt = Tokens(256 - kRoom, 'x'), .sampling = {.temperature = 0.0F}});
  const Opened other = Open();
  EXPECT_EQ(opened.session->ContextLeft(), kRoom);
  const Draft draft = Generate(*opened.session, 1000);
  ASSERT_TRUE(draft.context_full);
  EXPECT_EQ(draft.tokens.size(), kRoom);
  EXPECT_EQ(opened.session->ContextLeft(), 0U);
  const Draft more = Generate(*opened.session, 5);
  EXPECT_TRUE(more.context_full);
  EXPECT_TRUE(more.tokens.empty());
  opened.session->Rollback(10);
  EXPECT_EQ(opened.session->ContextLeft(), 10U);
  EXPECT_EQ(Generate(*opened.session, 4).tokens.size(), 4U);
  EXPECT_EQ(Generate(*other.session, 4).tokens.size(), 4U);
}

TEST_F(SessionTest, HearingMoreThanTheContextHoldsIsToldAtTheNextTurn) {
  for (const bool shares : {false, true}) {
    const Opened opened = Open(shares);
    const std::vector<DraftToken> words(200, {.id = 'x', .text = " x"});
    for (int i = 0; i < 3; ++i) opened.session->Listen(words);
    opened.session->EndListening();
    EXPECT_EQ(opened.session->ContextLeft(), 0U);
    const Draft draft = Generate(*opened.session, 5);
    EXPECT_TRUE(draft.context_full);
    EXPECT_TRUE(draft.tokens.empty());
  }
}

TEST_F(SessionTest, AnAnswerThatDoesNotFitIsToldAtTheNextTurn) {
  const Opened opened = Open(true);
  const Tokens thinking(256 - Prompt().size() - 3, 'x');
  opened.session->Listen(Drafted(thinking));
  opened.session->EndListening();
  EXPECT_EQ(opened.session->ContextLeft(), 3U);
  opened.session->OpenAnswer(std::string(thinking.size(), 'x'), "\n</think>\n\nSo ");
  EXPECT_EQ(opened.session->ContextLeft(), 0U);
  EXPECT_TRUE(Generate(*opened.session, 5).context_full);
}

// ---- Opening the answer

struct Handover {
  const char* name;
  std::vector<std::string> heard;  // token texts: the thinking, and what was written after it
  std::string thinking;
  std::string handover;
  std::vector<std::string> expected;
};

constexpr const char* kQwen = "\n</think>\n\n";

TEST_F(SessionTest, OpensTheAnswerOnWhatIsThere) {
  const std::vector<Handover> cases{
      {"nothing after the thinking", {"o", "k"}, "ok", kQwen, {"o", "k", "\n", "</think>", "\n\n"}},
      {"the newline is there", {"o", "k", "\n"}, "ok", kQwen, {"o", "k", "\n", "</think>", "\n\n"}},
      {"one newline too many", {"o", "k", "\n", "\n"}, "ok", kQwen, {"o", "k", "\n", "</think>", "\n\n"}},
      {"newlines in one token", {"o", "k", "\n\n"}, "ok", kQwen, {"o", "k", "\n", "</think>", "\n\n"}},
      {"a space is no newline", {"o", "k", " "}, "ok", kQwen, {"o", "k", "\n", "</think>", "\n\n"}},
      {"newlines of a family that keeps them",
       {"o", "k", "\n\n"},
       "ok\n\n",
       "</think>",
       {"o", "k", "\n\n", "</think>"}},
      {"the marker in pieces",
       {"o", "k", "\n", "<", "/", "t"},
       "ok",
       kQwen,
       {"o", "k", "\n", "</think>", "\n\n"}},
      {"the marker in other pieces",
       {"o", "k", "\n", "</"},
       "ok",
       kQwen,
       {"o", "k", "\n", "</think>", "\n\n"}},
      {"the marker right after the text",
       {"o", "k", "<", "/"},
       "ok",
       kQwen,
       {"o", "k", "\n", "</think>", "\n\n"}},
      {"a plain family's marker in pieces", {"o", "k", "</", "t"}, "ok", "</think>", {"o", "k", "</think>"}},
      {"no thinking", {}, "", kQwen, {"\n", "</think>", "\n\n"}},
      {"only newlines", {"\n", "\n"}, "", kQwen, {"\n", "</think>", "\n\n"}},
      {"thinking that looks like markup", {"o", "<", "/"}, "o</", "</think>", {"o", "<", "/", "</think>"}},
  };
  for (const Handover& c : cases) {
    const Opened opened = Open(true);
    opened.session->Listen(Drafted(Ids(c.heard)));
    opened.session->OpenAnswer(c.thinking, c.handover);
    EXPECT_EQ(opened.View(Prompt().size()), Ids(c.expected)) << c.name;
    const Draft answer = Generate(*opened.session, 4, {.stream = 9});
    Tokens prompt = Prompt();
    const Tokens view = Ids(c.expected);
    prompt.insert(prompt.end(), view.begin(), view.end());
    EXPECT_EQ(answer.tokens, Generate(*Open(How{.prompt = prompt}).session, 4, {.stream = 9}).tokens)
        << c.name;
  }
}

TEST_F(SessionTest, ATokenAcrossTheThinkingsEndIsTokenisedAgain) {
  const Opened opened = Open(true);
  opened.session->Listen(Drafted(Ids({"o", "k>"})));  // "k>" begins in the thinking and ends in the marker
  opened.session->OpenAnswer("ok", kQwen);
  EXPECT_EQ(opened.View(Prompt().size()), Ids({"o", "k", "\n", "</think>", "\n\n"}));
}

TEST_F(SessionTest, TheAnswerStartsAfterTextThatWasNotComplete) {
  const Opened opened = Open();
  const DraftToken token{.id = 1, .text = "so it is"};
  opened.session->Listen({&token, 1});  // " is" is still open
  opened.session->OpenAnswer("so it is", kQwen);
  Tokens expected = vocabulary().Tokenize("so it is");
  const Tokens markup = vocabulary().TokenizeMarkup(kQwen);
  expected.insert(expected.end(), markup.begin(), markup.end());
  EXPECT_EQ(opened.View(Prompt().size()), expected);
}

TEST_F(SessionTest, AnAnswerAloneTellsACloseTokenAndGoesOnBehindIt) {
  const TokenId close = vocabulary().Find("</think>");
  int closed = 0;
  for (uint64_t stream = 0; stream < 60; ++stream) {
    const Opened opened = Open(How{.sampling = kAnyToken});
    opened.session->OpenAnswer("", "");
    const Draft draft = Generate(*opened.session, 100, {.stream = stream});
    if (draft.tokens.empty() || draft.tokens.back().id != close) continue;
    ++closed;
    EXPECT_EQ(draft.tokens.back().end, DraftToken::End::kThinking);
    EXPECT_EQ(draft.tokens.back().text, "");
    EXPECT_EQ(Generate(*opened.session, 1, After(stream, draft.tokens)).tokens.size(), 1U);
    EXPECT_EQ(opened.View(Prompt().size()).size(), draft.tokens.size() + 1);

    // A token that ends the generation ends the answer, too.
    const Opened ended = Open(How{.end_tokens = {close}, .sampling = kAnyToken});
    ended.session->OpenAnswer("", "");
    EXPECT_EQ(Generate(*ended.session, 100, {.stream = stream}).tokens.back().end,
              DraftToken::End::kSequence);
  }
  EXPECT_GT(closed, 0);
}

TEST_F(SessionTest, ACloseTokenOfItsOwnStaysTheOnlyOne) {
  const TokenId close = vocabulary().Find("</think>");
  int closed = 0;
  for (uint64_t stream = 0; stream < 60; ++stream) {
    const Opened opened = Open(How{.sampling = kAnyToken});
    const Draft draft = Generate(*opened.session, 100, {.stream = stream});
    if (draft.tokens.empty() || draft.tokens.back().end != DraftToken::End::kThinking) continue;
    ++closed;
    const Tokens before = opened.View(Prompt().size());
    std::string thinking;
    for (const DraftToken& token : draft.tokens) thinking += token.text;
    opened.session->OpenAnswer(thinking, "</think>");
    EXPECT_EQ(opened.View(Prompt().size()), before);
    // In the answer the token closes nothing any more.
    for (const DraftToken& token : Generate(*opened.session, 60, {.stream = stream}).tokens) {
      EXPECT_NE(token.end, DraftToken::End::kThinking);
    }
    EXPECT_EQ(std::count(before.begin(), before.end(), close), 1);
  }
  EXPECT_GT(closed, 3);
}

}  // namespace
}  // namespace tessy
