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
#include "model/llama/llama_vocabulary.h"
#include "model/llama/numerics.h"
#include "model/llama/testing/driver.h"
#include "model/llama/testing/tiny_model.h"

namespace tessy {
namespace {

using testing::HasSubstr;
using testing::Not;
using Rows = std::vector<std::vector<float>>;
using Tokens = std::vector<TokenId>;
using Model = std::shared_ptr<const LlamaModel>;

std::string LabModel(const std::string& name) {
  return std::string(TESSY_SOURCE_DIR) + "/lab/models/" + name;
}

std::string TemporaryPath(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / ("tessy_engine_test_" + name);
}

std::string TinyModel(const std::string& name, TinyModelSpec spec) {
  if (spec.vocabulary.tokens.empty()) spec.vocabulary = MakeTinyVocabulary(320, 1);
  const std::string path = TemporaryPath(name + ".gguf");
  EXPECT_TRUE(WriteTinyModel(path, spec).has_value());
  return path;
}

Model Loaded(const std::string& path, bool exact) {
  auto model = LlamaModel::Load(path, {.exact = exact});
  if (!model) ADD_FAILURE() << model.error().message;
  return model.value();
}

std::unique_ptr<Engine> Started(EngineDriver& driver, const Model& model, const EngineOptions& options) {
  auto engine = Engine::Create(model, options, driver.post());
  if (!engine) ADD_FAILURE() << engine.error().message;
  driver.Add(**engine);
  return std::move(*engine);
}

Tokens SomeTokens(const LlamaModel& model, uint64_t seed, size_t count) {
  const auto texts = static_cast<double>(model.vocabulary().size() - 5);
  Tokens tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = static_cast<TokenId>(UniformAt(seed, 9, i) * texts);
  return tokens;
}

std::vector<size_t> AllPositions(size_t count) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), size_t{0});
  return positions;
}

// Computed alone, in an engine of its own. A batch holds as many rows as the engine has places, so this goes
// one token at a time.
Rows Alone(const Model& model, const Tokens& tokens, size_t context = 1024) {
  EngineDriver driver;
  const auto engine = Started(driver, model, {.sequences = 1, .context_tokens = context});
  const auto sequence = engine->Open();
  sequence->Append(tokens);
  return RowsAt(driver, *sequence, AllPositions(tokens.size()));
}

double Spread(const std::vector<float>& row) {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  return static_cast<double>(*high) - static_cast<double>(*low);
}

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double most = a.size() == b.size() ? 0.0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(double{a[i]} - double{b[i]}));
  return std::isnan(most) ? INFINITY : most;
}

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

// Sequences that go on side by side, each with what is expected of it.
class Choir {
 public:
  struct Voice {
    Tokens tokens;
    Rows expected;
    std::unique_ptr<Sequence> sequence;
    std::unique_ptr<WantedRows> wanted;
  };

  void Join(Engine& engine, Tokens tokens, Rows expected) {
    voices_.push_back({std::move(tokens), std::move(expected), engine.Open(), nullptr});
  }
  Voice& operator[](size_t i) { return voices_[i]; }

  // Brings every voice that is there to `counts[i]` tokens, all at the same time, and compares.
  void SingTo(EngineDriver& driver, const std::vector<size_t>& counts) {
    for (size_t i = 0; i < voices_.size(); ++i) {
      Voice& voice = voices_[i];
      if (!voice.sequence) continue;
      const size_t have = voice.sequence->tokens().size();
      ASSERT_GT(counts[i], have);
      voice.sequence->Append({voice.tokens.data() + have, counts[i] - have});
      voice.wanted = std::make_unique<WantedRows>(*voice.sequence, std::vector{counts[i] - 1});
    }
    driver.RunUntil([&] {
      return std::all_of(voices_.begin(), voices_.end(),
                         [](const Voice& voice) { return !voice.sequence || voice.wanted->done(); });
    });
    for (size_t i = 0; i < voices_.size(); ++i) {
      if (!voices_[i].sequence) continue;
      ASSERT_TRUE(voices_[i].wanted->status().has_value());
      ASSERT_EQ(voices_[i].wanted->rows()[0], voices_[i].expected[counts[i] - 1])
          << "voice " << i << " at " << counts[i];
    }
  }

 private:
  std::vector<Voice> voices_;
};

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
  // Of two sequences one has nothing to compute: what the first engine brings may change that.
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

// ---- Boundary predictors: the trunk with the head in the output matrix's place.

// By llama.cpp's own way: states of the last layer, then the head.
Rows HeadByHand(const std::string& path, const Tokens& tokens) {
  llama_model_params params = llama_model_default_params();
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

void ExpectHeadByHand(const std::string& path) {
  auto loaded = LlamaModel::LoadClassifier(path, {.exact = true});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const Model model = *loaded;
  EXPECT_TRUE(model->is_classifier());
  EXPECT_EQ(model->output_width(), 2);
  const Tokens tokens = SomeTokens(*model, 5, 200);
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
  ExpectHeadByHand(LabModel("boundary-student.gguf"));
  ExpectHeadByHand(LabModel("boundary-teacher.gguf"));
}

TEST(Classifier, EveryTypeOfWeightsWorks) {
  for (const std::string type : {"f32", "f16", "q8_0"}) {
    ExpectHeadByHand(
        TinyModel("head_" + type, {.weights = type, .tied_output = true, .seed = 3, .head_outputs = 2}));
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

TEST(LoadErrorDeathTest, MoreSequencesThanOneContextHoldsIsAProgrammersMistake) {
  const Model model = Loaded(LabModel("student.gguf"), true);
  EXPECT_DEATH(static_cast<void>(Engine::Create(model, {.sequences = 257}, [](auto) {})), "internal error");
}

}  // namespace
}  // namespace tessy
