#include "model/llama/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "llama.h"
#include "model/llama/numerics.h"
#include "model/llama/testing/test_models.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

using testing::HasSubstr;

// ---- The same bits however the work is cut into batches.

struct Arithmetic {
  const char* name;
  TinyModelSpec spec;  // no architecture: the miniature student
  size_t context;

  friend void PrintTo(const Arithmetic& kind, std::ostream* out) { *out << kind.name; }
};

class ExactEngine : public testing::TestWithParam<Arithmetic> {
 protected:
  void SetUp() override {
    const Arithmetic& kind = GetParam();
    context_ = kind.context;
    model_ = Loaded(
        kind.spec.architecture.empty() ? LabModel("student.gguf") : TinyModel(kind.name, kind.spec), true);
  }
  std::unique_ptr<Engine> Start(int sequences) { return Start(driver_, sequences); }
  std::unique_ptr<Engine> Start(EngineDriver& driver, int sequences) {
    return Started(driver, model_, {.sequences = sequences, .context_tokens = context_});
  }
  Rows ExpectedRows(const Tokens& tokens) const { return Alone(model_, tokens, context_); }
  Tokens Some(uint64_t seed, size_t count) const { return SomeTokens(*model_, seed, count); }

  size_t context_ = 0;
  Model model_;
  EngineDriver driver_;  // outlives the engines of the tests
};

TEST_P(ExactEngine, LogitsAreVaried) {
  const Rows rows = ExpectedRows(Some(1, 20));
  for (const auto& row : rows) EXPECT_GT(Spread(row), 3.0);
  EXPECT_GT(Distance(rows[3], rows[4]), 0.1);
}

TEST_P(ExactEngine, AllAtOnceIsLikeOneTokenAtATime) {
  const Tokens tokens = Some(2, 60);
  const Rows expected = ExpectedRows(tokens);
  const auto engine = Start(1);
  for (size_t count = 1; count <= tokens.size(); ++count) {
    const auto sequence = engine->Open();
    sequence->Append({tokens.data(), count});
    ASSERT_EQ(LastRow(driver_, *sequence), expected[count - 1]) << count;
  }
  EXPECT_EQ(engine->stats().batches, tokens.size());
}

TEST_P(ExactEngine, OddChunksAreLikeOneTokenAtATime) {
  const Tokens tokens = Some(3, 200);
  const Rows expected = ExpectedRows(tokens);
  for (const size_t chunk : {2, 3, 7, 8, 31, 64, 129}) {
    EngineDriver driver;
    const auto engine = Start(driver, 1);
    const auto sequence = engine->Open();
    for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
      const size_t end = std::min(tokens.size(), begin + chunk);
      sequence->Append({tokens.data() + begin, end - begin});
      ASSERT_EQ(LastRow(driver, *sequence), expected[end - 1]) << chunk << " " << begin;
    }
  }
}

TEST_P(ExactEngine, SixtyFourTogetherAreLikeEachAlone) {
  constexpr size_t kVoices = 64;
  const auto engine = Start(kVoices);
  Choir choir;
  std::vector<size_t> counts;
  for (size_t i = 0; i < kVoices; ++i) {
    const size_t prompt = 1 + i * 37 % 90;
    const Tokens tokens = Some(100 + i, prompt + 12);
    choir.Join(*engine, tokens, ExpectedRows(tokens));
    counts.push_back(prompt);
  }
  EXPECT_EQ(engine->Open(), nullptr);
  for (int step = 0; step < 12; ++step) {
    ASSERT_NO_FATAL_FAILURE(choir.SingTo(driver_, counts));
    for (size_t& count : counts) ++count;
  }
}

TEST_P(ExactEngine, OthersOfOtherLengthsDoNotMatter) {
  const auto engine = Start(3);
  const size_t most = context_ - 4;
  Choir choir;
  std::vector<size_t> counts;
  for (const size_t prompt : {most, size_t{3}, most / 2}) {
    const Tokens tokens = Some(7 + prompt, prompt + 4);
    choir.Join(*engine, tokens, ExpectedRows(tokens));
    counts.push_back(prompt);
  }
  for (int step = 0; step < 4; ++step) {
    ASSERT_NO_FATAL_FAILURE(choir.SingTo(driver_, counts));
    for (size_t& count : counts) ++count;
  }
}

TEST_P(ExactEngine, TruncatingLeavesNoTrace) {
  const Tokens tokens = Some(4, 80);
  const Tokens other = Some(5, 80);
  const Rows expected = ExpectedRows(tokens);
  const auto engine = Start(1);
  const auto sequence = engine->Open();
  for (uint64_t round = 0; round < 20; ++round) {
    const auto keep = static_cast<size_t>(UniformAt(6, round, 0) * 40);
    const auto wrong = 1 + static_cast<size_t>(UniformAt(6, round, 1) * 39);
    const auto right = keep + 1 + static_cast<size_t>(UniformAt(6, round, 2) * 39);
    sequence->Assign({tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(keep)});
    sequence->Append({other.data(), wrong});
    if (round % 3 != 0) LastRow(driver_, *sequence);  // else they are gone before they are computed
    sequence->Truncate(keep);
    sequence->Append({tokens.data() + keep, right - keep});
    ASSERT_EQ(LastRow(driver_, *sequence), expected[right - 1]) << round;
  }
}

TEST_P(ExactEngine, WhatIsWantedAgainIsComputedAgainWithTheSameResult) {
  const Tokens tokens = Some(8, 40);
  const Rows expected = ExpectedRows(tokens);
  const auto engine = Start(1);
  const auto sequence = engine->Open();
  sequence->Append(tokens);
  EXPECT_EQ(LastRow(driver_, *sequence), expected.back());
  EXPECT_EQ(LastRow(driver_, *sequence), expected.back());
  const std::vector<size_t> positions{3, 4, 17, 39};
  const Rows rows = RowsAt(driver_, *sequence, positions);
  for (size_t i = 0; i < positions.size(); ++i) EXPECT_EQ(rows[i], expected[positions[i]]) << i;
}

TEST_P(ExactEngine, MovingIntoGapsDoesNotMatter) {
  constexpr size_t kVoices = 12;
  const auto engine = Start(kVoices);
  Choir choir;
  std::vector<size_t> counts;
  for (size_t i = 0; i < kVoices; ++i) {
    const Tokens tokens = Some(200 + i, 60 + i);
    choir.Join(*engine, tokens, ExpectedRows(tokens));
    counts.push_back(10 + 3 * i);
  }
  const auto go_on = [&] {
    choir.SingTo(driver_, counts);
    for (size_t& count : counts) ++count;
  };
  ASSERT_NO_FATAL_FAILURE(go_on());
  for (const size_t leaver : {0, 3, 4, 8}) choir[leaver].sequence.reset();
  ASSERT_NO_FATAL_FAILURE(go_on());
  EXPECT_EQ(engine->stats().sequence_copies, 3U);  // from places 11, 10 and 9
  choir[1].sequence.reset();
  choir[11].sequence.reset();
  // A newcomer takes a place whose former content is still cached.
  const Tokens tokens = Some(300, 90);
  choir.Join(*engine, tokens, ExpectedRows(tokens));
  counts.push_back(50);
  ASSERT_NO_FATAL_FAILURE(go_on());
  // One that was moved rolls back, and is moved again before it goes on.
  const size_t keep = 5;
  choir[10].sequence->Truncate(keep);
  counts[10] = keep + 1;
  for (const size_t leaver : {2, 5, 6, 9}) choir[leaver].sequence.reset();
  ASSERT_NO_FATAL_FAILURE(go_on());
  ASSERT_NO_FATAL_FAILURE(go_on());
  EXPECT_EQ(engine->stats().sequence_copies, 5U);
  EXPECT_EQ(engine->free_places(), 9);
}

TEST_P(ExactEngine, SequencesThatWereSetAsideComeBackWithTheSameResults) {
  constexpr size_t kVoices = 6;
  constexpr size_t kChunk = 40;
  const auto engine =
      Started(driver_, model_,
              {.sequences = kVoices, .context_tokens = context_, .pool_tokens = context_ + context_ / 2});
  Choir choir;
  const size_t length = context_ - 20;
  for (size_t i = 0; i < kVoices; ++i) {
    const Tokens tokens = Some(400 + i, length);
    choir.Join(*engine, tokens, ExpectedRows(tokens));
  }
  size_t open = kVoices;
  const auto go_on = [&](Choir::Voice& voice) {
    const size_t have = voice.sequence->tokens().size();
    if (voice.wanted) {
      ASSERT_EQ(voice.wanted->rows()[0], voice.expected[have - 1]) << have;
    }
    voice.wanted.reset();
    if (have == length) return voice.sequence.reset(), --open, void();
    const size_t next = std::min(length, have + kChunk);
    voice.sequence->Append({voice.tokens.data() + have, next - have});
    voice.wanted = std::make_unique<WantedRows>(*voice.sequence, std::vector{next - 1});
  };
  while (open > 0) {
    for (size_t i = 0; i < kVoices; ++i) {
      if (!choir[i].sequence || (choir[i].wanted && !choir[i].wanted->done())) continue;
      ASSERT_NO_FATAL_FAILURE(go_on(choir[i]));
    }
    driver_.RunUntil([&] {
      for (size_t i = 0; i < kVoices; ++i) {
        if (choir[i].sequence && choir[i].wanted->done()) return true;
      }
      return open == 0;
    });
  }
  // In a small context a sequence takes all that it may become from the start.
  EXPECT_EQ(engine->stats().set_aside > 0, context_ >= 512);
  EXPECT_EQ(engine->stats().tokens, kVoices * length + engine->stats().set_aside_tokens);
}

const TinyModelSpec kQwen16{.weights = "f16", .seed = 11};
const TinyModelSpec kQwen8{.weights = "q8_0", .tied_output = true, .seed = 12};
const TinyModelSpec kLlama32{.architecture = "llama", .heads = 4, .kv_heads = 4, .seed = 13};
const TinyModelSpec kGemma16{.architecture = "gemma3", .weights = "f16", .seed = 14};
const TinyModelSpec kMiniature{.architecture = ""};

INSTANTIATE_TEST_SUITE_P(Models, ExactEngine,
                         testing::Values(Arithmetic{"Miniature", kMiniature, 256},
                                         Arithmetic{"QwenF16", kQwen16, 1024},
                                         Arithmetic{"QwenQ8", kQwen8, 512},
                                         Arithmetic{"LlamaF32", kLlama32, 300},
                                         Arithmetic{"GemmaWindowF16", kGemma16, 512}),
                         [](const auto& instance) { return instance.param.name; });

// ---- Engines.

// ThreadSanitizer cannot see the barriers of ggml's own threads, which are compiled without it.
#ifdef __SANITIZE_THREAD__
constexpr int kSeveralThreads = 1;
#else
constexpr int kSeveralThreads = 2;
#endif

class EngineTest : public testing::Test {
 protected:
  Model Tiny(TinyModelSpec spec = {}, bool exact = true) {
    return Loaded(TinyModel("plain", std::move(spec)), exact);
  }

  EngineDriver driver_;
};

TEST_F(EngineTest, FastArithmeticIsNearTheExact) {
  const std::string path = TinyModel("fast", {.weights = "f16"});
  const Model fast = Loaded(path, false);
  const Tokens tokens = SomeTokens(*fast, 1, 100);
  const Rows expected = Alone(Loaded(path, true), tokens);
  EXPECT_TRUE(IsBatchInvariant());
  const auto engine = Started(driver_, fast, {.sequences = 4, .context_tokens = 512});
  EXPECT_FALSE(IsBatchInvariant());
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (int i = 0; i < 4; ++i) sequences.push_back(engine->Open());
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::vector<std::unique_ptr<WantedRows>> wanted;
    for (const auto& sequence : sequences) {
      sequence->Append({&tokens[i], 1});
      wanted.push_back(std::make_unique<WantedRows>(*sequence, std::vector{i}));
    }
    driver_.RunUntil([&] { return std::ranges::all_of(wanted, [](const auto& w) { return w->done(); }); });
    for (const auto& w : wanted) ASSERT_LT(Distance(w->rows()[0], expected[i]), 0.1) << i;
    if (i == 50) sequences[2]->Truncate(0), sequences.erase(sequences.begin() + 2);
  }
}

TEST_F(EngineTest, ComputesMoreThanABatchHolds) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 4, .context_tokens = 1024});
  Choir choir;
  std::vector<size_t> counts{1000, 700, 2, 513};
  for (size_t i = 0; i < counts.size(); ++i) {
    const Tokens tokens = SomeTokens(*model, i, counts[i]);
    choir.Join(*engine, tokens, Alone(model, tokens));
  }
  choir.SingTo(driver_, counts);
  EXPECT_GE(engine->stats().batches, 5U);
  EXPECT_EQ(engine->stats().tokens, 2215U);
}

TEST_F(EngineTest, AShortSequenceDoesNotWaitForALongOne) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 1024});
  const auto prompt = engine->Open();
  const auto other = engine->Open();
  prompt->Append(SomeTokens(*model, 1, 1000));
  other->Append(SomeTokens(*model, 2, 1));
  WantedRows of_prompt(*prompt, {999});
  WantedRows of_other(*other, {0});
  driver_.RunUntil([&] { return of_other.done(); });
  EXPECT_FALSE(of_prompt.done());
  EXPECT_EQ(engine->batches_done(), 1U);
  driver_.RunUntil([&] { return of_prompt.done(); });
  EXPECT_EQ(of_prompt.rows()[0], Alone(model, prompt->tokens()).back());
}

TEST_F(EngineTest, FillsAContextToItsLastToken) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  const auto sequence = engine->Open();
  const Tokens tokens = SomeTokens(*model, 1, 256);
  sequence->Append(tokens);
  EXPECT_EQ(sequence->context_tokens(), 256U);
  EXPECT_EQ(LastRow(driver_, *sequence), Alone(model, tokens).back());
}

TEST_F(EngineTest, ABatchThatFailsFailsEveryWishAndNoMore) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  const auto good = engine->Open();
  const Tokens tokens = SomeTokens(*model, 1, 40);
  good->Append({tokens.data(), 30});
  LastRow(driver_, *good);
  auto bad = engine->Open();
  bad->Append(SomeTokens(*model, 2, 300));  // its owner should have looked at context_tokens()
  good->Append({tokens.data() + 30, 10});
  WantedRows of_good(*good, {39});
  WantedRows of_bad(*bad, {299});
  driver_.RunUntil([&] { return of_good.done() && of_bad.done(); });
  ASSERT_FALSE(of_good.status().has_value());
  EXPECT_EQ(of_good.status().error().code, ErrorCode::kBackend);
  EXPECT_THAT(of_good.status().error().message, HasSubstr(model->file().path()));
  EXPECT_FALSE(of_bad.status().has_value());
  bad.reset();
  EXPECT_EQ(LastRow(driver_, *good), Alone(model, tokens).back());
}

TEST_F(EngineTest, ASequenceMayGoWhileItsBatchIsUnderWay) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 3, .context_tokens = 256});
  for (uint64_t round = 0; round < 30; ++round) {
    auto leaver = engine->Open();
    const auto stayer = engine->Open();
    const Tokens tokens = SomeTokens(*model, round, 21);
    leaver->Append(SomeTokens(*model, 1000 + round, 50));
    stayer->Append({tokens.data(), 20});
    const auto of_leaver = std::make_shared<int>(0);
    leaver->Want(
        {10, 49}, [of_leaver](std::span<const float>, size_t) { ++*of_leaver; },
        [of_leaver](const Status&) { *of_leaver += 1000; });
    WantedRows of_stayer(*stayer, {19});
    engine->StartBatch();
    EXPECT_TRUE(engine->busy());
    leaver.reset();
    const auto newcomer = engine->Open();  // takes the place at once
    newcomer->Append(tokens);
    WantedRows of_newcomer(*newcomer, {20});
    driver_.RunUntil([&] { return of_stayer.done() && of_newcomer.done(); });
    const Rows expected = Alone(model, tokens);
    EXPECT_EQ(of_stayer.rows()[0], expected[19]);
    EXPECT_EQ(of_newcomer.rows()[0], expected[20]);
    EXPECT_LT(*of_leaver, 1000);
    stayer->Append({&tokens[20], 1});
    EXPECT_EQ(LastRow(driver_, *stayer), expected[20]);
  }
}

TEST_F(EngineTest, AWishMayBeForgottenAndAnotherMadeWhileItsBatchIsUnderWay) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  const auto sequence = engine->Open();
  const Tokens tokens = SomeTokens(*model, 1, 30);
  sequence->Append(tokens);
  bool called = false;
  sequence->Want(
      {29}, [](std::span<const float>, size_t) {}, [&called](const Status&) { called = true; });
  engine->StartBatch();
  sequence->Forget();
  sequence->Truncate(12);
  WantedRows wanted(*sequence, {5, 11});
  driver_.RunUntil([&] { return wanted.done(); });
  const Rows expected = Alone(model, tokens);
  EXPECT_EQ(wanted.rows()[0], expected[5]);
  EXPECT_EQ(wanted.rows()[1], expected[11]);
  EXPECT_FALSE(called);
}

TEST_F(EngineTest, AnEngineMayGoWhileItsBatchIsUnderWay) {
  const Model model = Tiny();
  bool called = false;
  for (int round = 0; round < 10; ++round) {
    EngineDriver driver;
    auto engine = Started(driver, model, {.sequences = 2, .context_tokens = 256});
    auto sequence = engine->Open();
    sequence->Append(SomeTokens(*model, 1, 200));
    sequence->Want(
        {199}, [](std::span<const float>, size_t) {}, [&called](const Status&) { called = true; });
    engine->StartBatch();
    sequence.reset();
    engine.reset();
    driver.Poll();
  }
  EXPECT_FALSE(called);
}

TEST_F(EngineTest, StartingABatchOfNothingDoesNothing) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 4, .context_tokens = 256});
  engine->StartBatch();
  EXPECT_FALSE(engine->busy());
  // Not even the moves into gaps, which only a batch carries out.
  auto leaver = engine->Open();
  leaver->Append(SomeTokens(*model, 1, 20));
  const auto stayer = engine->Open();
  const Tokens tokens = SomeTokens(*model, 2, 20);
  stayer->Append({tokens.data(), 19});
  LastRow(driver_, *stayer);
  leaver.reset();
  engine->StartBatch();
  stayer->Append({&tokens[19], 1});
  EXPECT_EQ(LastRow(driver_, *stayer), Alone(model, tokens).back());
  EXPECT_EQ(engine->stats().sequence_copies, 1U);
}

TEST_F(EngineTest, FirstSequenceIsNeverSetAside) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 4, .context_tokens = 1024, .pool_tokens = 1});
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (int i = 0; i < 4; ++i) sequences.push_back(engine->Open());
  const Tokens tokens = SomeTokens(*model, 1, 1000);
  for (size_t i = sequences.size(); i-- > 0;) {
    sequences[i]->Append({tokens.data(), 700});
    const WantedRows wanted(*sequences[i], {699});
    // The pool holds one context: who came first takes it from those who came after.
    driver_.RunUntil([&] { return wanted.done(); });
  }
  EXPECT_EQ(engine->stats().set_aside, 3U);
  EXPECT_EQ(engine->stats().set_aside_tokens, 2100U);
  WantedRows waits(*sequences[3], {699});
  sequences[0]->Append({tokens.data() + 700, 300});
  EXPECT_EQ(LastRow(driver_, *sequences[0]).size(), static_cast<size_t>(model->output_width()));
  EXPECT_FALSE(waits.done());
  sequences.erase(sequences.begin(), sequences.begin() + 3);
  driver_.RunUntil([&] { return waits.done(); });
  EXPECT_TRUE(waits.status());
}

TEST_F(EngineTest, UnifiedCacheGivesNearlyTheSameFromASmallPool) {
  constexpr size_t kVoices = 5;
  const Model model = Tiny();
  const auto engine = Started(
      driver_, model, {.sequences = kVoices, .context_tokens = 1024, .pool_tokens = 1536, .unified = true});
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (size_t i = 0; i < kVoices; ++i) sequences.push_back(engine->Open());
  // One after the other takes the cache from those that came after it, and each gives its results.
  for (size_t i = kVoices; i-- > 0;) {
    const Tokens tokens = SomeTokens(*model, i, 600 + 50 * i);
    sequences[i]->Append(tokens);
    EXPECT_LT(Distance(LastRow(driver_, *sequences[i]), Alone(model, tokens).back()), 0.01) << i;
  }
  EXPECT_EQ(engine->stats().set_aside, 3U);
  sequences.erase(sequences.begin(), sequences.begin() + 4);
  sequences[0]->Append(SomeTokens(*model, 9, 20));
  EXPECT_LT(Distance(LastRow(driver_, *sequences[0]), Alone(model, sequences[0]->tokens()).back()), 0.01);
}

TEST_F(EngineTest, SeveralEnginesShareAModel) {
  const Model model = Tiny({.weights = "f16"});
  std::vector<std::unique_ptr<Engine>> engines;
  std::vector<Choir> choirs(3);
  std::vector<size_t> counts{100, 40, 7, 90};
  for (Choir& choir : choirs) {
    engines.push_back(
        Started(driver_, model,
                {.sequences = 4, .context_tokens = 512, .threads = engines.empty() ? kSeveralThreads : 1}));
    for (size_t i = 0; i < counts.size(); ++i) {
      const Tokens tokens = SomeTokens(*model, 10 * engines.size() + i, counts[i] + 8);
      choir.Join(*engines.back(), tokens, Alone(model, tokens));
    }
  }
  std::vector<std::unique_ptr<WantedRows>> wanted;
  for (Choir& choir : choirs) {
    for (size_t i = 0; i < counts.size(); ++i) {
      choir[i].sequence->Append(choir[i].tokens);
      wanted.push_back(
          std::make_unique<WantedRows>(*choir[i].sequence, AllPositions(choir[i].tokens.size())));
    }
  }
  driver_.RunUntil([&] { return std::ranges::all_of(wanted, [](const auto& w) { return w->done(); }); });
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(wanted[i]->rows(), choirs[i / 4][i % 4].expected) << i;
}

TEST_F(EngineTest, ThereAreAsManyPlacesAsAskedFor) {
  const auto engine =
      Started(driver_, Tiny({.layers = 1}), {.sequences = Engine::kSequencesMax, .context_tokens = 256});
  std::vector<std::unique_ptr<Sequence>> sequences;
  while (auto sequence = engine->Open()) sequences.push_back(std::move(sequence));
  EXPECT_EQ(sequences.size(), 256U);
  EXPECT_EQ(engine->free_places(), 0);
  sequences.pop_back();
  EXPECT_EQ(engine->free_places(), 1);
  EXPECT_NE(engine->Open(), nullptr);
}

// ---- When batches start.

TEST_F(EngineTest, WorkThatNobodyWaitsForStartsWhenItIsWorthIt) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  EngineGroup group;
  group.Add(*engine);
  const auto sequence = engine->Open();
  sequence->Append(SomeTokens(*model, 1, 15));
  group.Pump();
  EXPECT_FALSE(group.busy());
  sequence->Append(SomeTokens(*model, 2, 1));
  group.Pump();
  EXPECT_TRUE(group.busy());
  driver_.Settle();
  EXPECT_EQ(engine->pending_tokens(), 0U);
  EXPECT_EQ(engine->stats().tokens, 16U);
}

// A row is computed once: a token just drawn waits until it is known who goes on after it.
TEST_F(EngineTest, ATokenHeldBackIsNotComputedBeforeSomebodyAsks) {
  const Model model = Tiny();
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  const auto drew = engine->Open();
  const auto other = engine->Open();
  drew->Append(SomeTokens(*model, 1, 5));
  drew->HoldLast();
  EXPECT_EQ(engine->pending_tokens(), 4U);
  other->Append(SomeTokens(*model, 2, 3));
  LastRow(driver_, *other);
  EXPECT_EQ(engine->stats().tokens, 7U);
  EXPECT_EQ(engine->pending_tokens(), 0U);
  EXPECT_FALSE(engine->all_ready());  // it will come
  const std::vector<float> row = LastRow(driver_, *drew);
  EXPECT_EQ(engine->stats().tokens, 8U);
  EXPECT_EQ(row, Alone(model, drew->tokens(), 256).back());
  // What is appended after it lets it go.
  drew->Append(SomeTokens(*model, 3, 2));
  drew->HoldLast();
  drew->Append(SomeTokens(*model, 4, 1));
  EXPECT_EQ(engine->pending_tokens(), 3U);
  // And it may be taken back.
  drew->HoldLast();
  drew->Truncate(drew->tokens().size() - 1);
  EXPECT_EQ(engine->pending_tokens(), 2U);
}

TEST_F(EngineTest, AnEngineWaitsForTheBatchesUnderWayAndNoLonger) {
  const Model model = Tiny();
  const auto first = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  const auto second = Started(driver_, model, {.sequences = 2, .context_tokens = 256});
  EngineGroup group;
  group.Add(*first);
  group.Add(*second);
  const auto elsewhere = first->Open();
  elsewhere->Append(SomeTokens(*model, 1, 4));
  WantedRows of_elsewhere(*elsewhere, {3});
  group.Pump();
  ASSERT_TRUE(first->busy());
  driver_.Settle();
  // One of two sequences has nothing to compute: the results of the first engine may change that.
  const auto asks = second->Open();
  const auto idle = second->Open();
  idle->Append(SomeTokens(*model, 2, 3));
  LastRow(driver_, *idle);
  ASSERT_FALSE(first->busy());
  asks->Append(SomeTokens(*model, 3, 3));
  elsewhere->Append(SomeTokens(*model, 4, 1));
  WantedRows again(*elsewhere, {4});
  first->StartBatch();
  WantedRows of_asks(*asks, {2});
  group.Pump();
  EXPECT_FALSE(second->busy());
  group.Pump();
  EXPECT_FALSE(second->busy());
  while (first->busy()) driver_.Poll();
  group.Pump();
  EXPECT_TRUE(second->busy());
  // When all are ready nothing is waited for.
  driver_.Settle();
  while (second->busy()) driver_.Poll();
  elsewhere->Append(SomeTokens(*model, 5, 1));
  WantedRows once_more(*elsewhere, {5});
  first->StartBatch();
  asks->Append(SomeTokens(*model, 6, 1));
  idle->Append(SomeTokens(*model, 6, 1));
  WantedRows of_asks_again(*asks, {3});
  group.Pump();
  EXPECT_TRUE(second->busy());
  driver_.RunUntil([&] { return once_more.done() && of_asks_again.done(); });
}

// ---- Models that remember in other ways.

TEST_F(EngineTest, ARecurrentModelIsFedAgainWhereOthersRollBack) {
  const Model model = Tiny({.architecture = "mamba", .weights = "f16"});
  EXPECT_FALSE(model->can_roll_back());
  const Tokens tokens = SomeTokens(*model, 1, 50);
  const Rows expected = Alone(model, tokens);
  EXPECT_GT(Spread(expected.back()), 3.0);
  const auto engine = Started(driver_, model, {.sequences = 3, .context_tokens = 512});
  const auto other = engine->Open();
  const auto sequence = engine->Open();
  const auto third = engine->Open();
  other->Append(SomeTokens(*model, 2, 33));
  third->Append(SomeTokens(*model, 3, 7));
  sequence->Append({tokens.data(), 40});
  EXPECT_EQ(LastRow(driver_, *sequence), expected[39]);
  EXPECT_EQ(engine->stats().refed_tokens, 0U);

  sequence->Truncate(30);
  EXPECT_EQ(engine->stats().refed_tokens, 30U);
  sequence->Append({tokens.data() + 30, 1});
  EXPECT_EQ(LastRow(driver_, *sequence), expected[30]);
  EXPECT_EQ(LastRow(driver_, *sequence), expected[30]);  // wanted again: fed again
  EXPECT_EQ(engine->stats().refed_tokens, 60U);
  sequence->Append(SomeTokens(*model, 9, 5));
  sequence->Truncate(31);  // what was not computed yet costs nothing
  EXPECT_EQ(engine->stats().refed_tokens, 60U);
  for (size_t i = 31; i < tokens.size(); ++i) {
    sequence->Append({&tokens[i], 1});
    EXPECT_EQ(LastRow(driver_, *sequence), expected[i]) << i;
  }
  EXPECT_EQ(LastRow(driver_, *other), Alone(model, other->tokens()).back());
}

TEST_F(EngineTest, RecurrentSequencesComeAndGo) {
  const Model model = Tiny({.architecture = "mamba"});
  const auto engine = Started(driver_, model, {.sequences = 6, .context_tokens = 512});
  std::vector<std::unique_ptr<Sequence>> sequences(6);
  for (uint64_t round = 0; round < 24; ++round) {
    auto& sequence = sequences[round * 5 % 6];
    if (sequence && round % 4 == 0) sequence->Truncate(sequence->tokens().size() / 2);
    if (!sequence || round % 4 == 1) sequence.reset(), sequence = engine->Open();
    sequence->Append(SomeTokens(*model, round, 3 + round));
    ASSERT_EQ(LastRow(driver_, *sequence), Alone(model, sequence->tokens()).back()) << round;
  }
  EXPECT_EQ(engine->stats().sequence_copies, 0U);
}

TEST_F(EngineTest, ASlidingWindowRollsBackPastItsWidth) {
  const Model model = Tiny({.architecture = "gemma3", .sliding_window = 16});
  EXPECT_EQ(llama_model_n_swa(model->handle()), 16);
  const Tokens tokens = SomeTokens(*model, 1, 200);
  const Rows expected = Alone(model, tokens);
  const auto engine = Started(driver_, model, {.sequences = 2, .context_tokens = 512});
  const auto other = engine->Open();
  other->Append(SomeTokens(*model, 2, 100));
  const auto sequence = engine->Open();
  for (const size_t keep : {150, 100, 40, 20, 5}) {
    sequence->Assign({tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(keep)});
    sequence->Append(SomeTokens(*model, keep, 90));
    LastRow(driver_, *sequence);
    sequence->Truncate(keep);
    sequence->Append({tokens.data() + keep, 3});
    ASSERT_EQ(LastRow(driver_, *sequence), expected[keep + 2]) << keep;
  }
  EXPECT_EQ(engine->stats().refed_tokens, 0U);
}

TEST(EngineDeathTest, MoreSequencesThanOneContextHoldsIsAProgrammersMistake) {
  const Model model = Loaded(LabModel("student.gguf"), true);
  EXPECT_DEATH(static_cast<void>(Engine::Create(model, {.sequences = 257}, [](auto) {})), "internal error");
}

}  // namespace
}  // namespace tessy
