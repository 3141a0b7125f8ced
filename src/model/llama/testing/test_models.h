#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/testing/source_tree.h"
#include "model/llama/engine.h"
#include "model/llama/testing/driver.h"
#include "model/llama/testing/tiny_model.h"

// Models, engines and comparisons that tests share.
namespace tessy {

using Rows = std::vector<std::vector<float>>;
using Tokens = std::vector<TokenId>;
using Model = std::shared_ptr<const LlamaModel>;

inline std::string LabModel(const std::string& name) { return InSource("lab/models/" + name); }

inline std::string TemporaryPath(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / ("tessy_engine_test_" + name);
}

inline std::string TinyModel(const std::string& name, TinyModelSpec spec) {
  if (spec.vocabulary.tokens.empty()) spec.vocabulary = MakeTinyVocabulary(320, 1);
  const std::string path = TemporaryPath(name + ".gguf");
  EXPECT_TRUE(WriteTinyModel(path, spec).has_value());
  return path;
}

inline Model Loaded(const std::string& path, bool exact) {
  auto model = LlamaModel::Load(path, {.exact = exact});
  if (!model) ADD_FAILURE() << model.error().message;
  return model.value();
}

inline std::unique_ptr<Engine> Started(EngineDriver& driver, const Model& model,
                                       const EngineOptions& options) {
  auto engine = Engine::Create(model, options, driver.post());
  if (!engine) ADD_FAILURE() << engine.error().message;
  driver.Add(**engine);
  return std::move(*engine);
}

inline Tokens SomeTokens(const LlamaModel& model, uint64_t seed, size_t count) {
  const auto texts = static_cast<double>(model.vocabulary().size() - 5);
  Tokens tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = static_cast<TokenId>(UniformAt(seed, 9, i) * texts);
  return tokens;
}

inline std::vector<size_t> AllPositions(size_t count) {
  std::vector<size_t> positions(count);
  std::iota(positions.begin(), positions.end(), size_t{0});
  return positions;
}

// The results at every token, computed alone in an engine of its own, one token at a time: a batch holds as
// many rows as the engine has places.
inline Rows Alone(const Model& model, const Tokens& tokens, size_t context = 1024) {
  EngineDriver driver;
  const auto engine = Started(driver, model, {.sequences = 1, .context_tokens = context});
  const auto sequence = engine->Open();
  sequence->Append(tokens);
  return RowsAt(driver, *sequence, AllPositions(tokens.size()));
}

inline double Spread(const std::vector<float>& row) {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  return static_cast<double>(*high) - static_cast<double>(*low);
}

inline double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double most = a.size() == b.size() ? 0.0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(double{a[i]} - double{b[i]}));
  return std::isnan(most) ? INFINITY : most;
}

// Sequences that go on side by side, each with its expected results.
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

  // Extends every open voice to `counts[i]` tokens, all at the same time, and compares the results.
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

}  // namespace tessy
