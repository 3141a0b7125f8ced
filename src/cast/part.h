#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "boundary/pooling/pooling_model.h"
#include "model/llama/engine.h"
#include "model/openai/server_model.h"

namespace tessy {

// The tokens of a sample where nothing says how many a model holds (method, section 3).
inline constexpr size_t kContextTokensDefault = 40960;
// Those that a predictor in process holds: its window of 200, rounded up as llama.cpp does.
inline constexpr size_t kPredictorContextTokens = 256;

// The memory of this machine that a player or predictor needs: RAM, unless a device is named.
struct MemoryNeeds {
  std::string file;               // of the weights; parts of one file share them
  uint64_t weights_bytes = 0;     // once
  uint64_t bytes_per_token = 0;   // of the cache, for each sample
  uint64_t bytes_per_sample = 0;  // besides, of recurrent layers
  size_t context_tokens = 0;      // the most that a sample may hold; 0: any number
  bool is_window = false;         // each sample has a place of context_tokens, however long it is
  // The same on accelerators, of all of them together.
  uint64_t device_weights_bytes = 0;
  uint64_t device_bytes_per_token = 0;
  uint64_t device_bytes_per_sample = 0;
  bool is_large = false;  // see IsLarge
};

// Whether more than one thread brings more than it costs.
bool IsLarge(const LlamaModel& model);

// The needs of a model in process that holds at most `context_tokens` of a sample.
MemoryNeeds NeedsOf(const LlamaModel& model, size_t context_tokens);

// The settings that a player or predictor gets before its first session or reader.
struct StartOptions {
  int samples = 1;            // at a time
  size_t context_tokens = 0;  // of each
  size_t pool_tokens = 0;     // of all together; 0: all may be full at once
  int threads = 0;        // of an engine; 0: one for small models, their share of the processors for others
  int large_engines = 0;  // engines of large models (IsLarge), which share the processors
  std::array<uint64_t, 2> vocabularies{};  // of the players, by role: fingerprints; 0: not known
  EngineGroup* engines = nullptr;          // starts the batches of all engines

  bool players_share_vocabulary() const { return vocabularies[0] != 0 && vocabularies[0] == vocabularies[1]; }
  // By role: whether a player's token ids mean the same in the vocabulary of this fingerprint.
  std::array<bool, 2> players_with(uint64_t vocabulary) const {
    return {vocabulary != 0 && vocabulary == vocabularies[0],
            vocabulary != 0 && vocabulary == vocabularies[1]};
  }
};

// The work that a player or predictor has done so far.
struct PartCounts {
  struct Served {
    ServerModel::Counts counts;
    std::string dialect;
  };
  std::string name;  // "student", "teacher predictor"
  std::variant<EngineStats, Served, PoolingModel::Counts> counts;

  // Null for a part that is served.
  const EngineStats* engine() const { return std::get_if<EngineStats>(&counts); }
  // One line for a reader of the run's messages.
  std::string Describe() const;
};

}  // namespace tessy
