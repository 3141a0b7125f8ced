#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/llama/llama_model.h"

namespace tessy {

class Engine;

// One sequence of an engine: a list of tokens, and the engine has computed a prefix of it. Appending costs
// nothing; tokens are computed when results are wanted, or in a batch that runs for other sequences.
// Destroying it frees its place at once. All calls are made on the thread that drives the run.
class Sequence {
 public:
  // Called on the engine's thread, or on one that helps it, with the results at one wanted position, in
  // ascending order and one at a time; at the same time as those of other sequences.
  using OnRow = std::function<void(std::span<const float> row, size_t index)>;
  // Called afterwards on the driving thread.
  using OnDone = std::function<void(Status)>;

  ~Sequence();
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  const std::vector<TokenId>& tokens() const { return tokens_; }
  void Append(std::span<const TokenId> tokens);
  void Truncate(size_t count);
  // Replaces all tokens. The prefix that both have in common is not computed again.
  void Assign(std::vector<TokenId> tokens);
  // Computes the tokens that are missing and gives the results at `positions` (indices into tokens(),
  // ascending, at least one). One request at a time. Rows already computed are computed again.
  void Want(std::vector<size_t> positions, OnRow on_row, OnDone done);
  // The last token is not computed until more is appended or results are wanted: the session that drew it may
  // take it back, or want the results at it, which would then be computed a second time.
  void HoldLast() { held_ = true; }
  // The last token stays, and its results are not wanted: it is computed beside other work.
  void LetGo() { held_ = false; }
  // Gives up the results that were wanted; on_done will not run. A batch under way may still call on_row.
  void Forget();
  size_t context_tokens() const;

 private:
  friend class Engine;
  struct Wish {
    std::vector<size_t> positions;
    size_t served = 0;
    OnRow on_row;
    OnDone done;
  };
  Sequence(Engine& engine, int slot, uint64_t birth) : engine_(&engine), slot_(slot), birth_(birth) {}
  size_t ready_end() const { return tokens_.size() - (held_ && !tokens_.empty() ? 1 : 0); }
  size_t pending() const { return set_aside_ ? 0 : ready_end() - std::min(ready_end(), valid_); }
  void Invalidate(size_t from);  // tokens from there on are to be computed again

  Engine* engine_;
  int slot_;
  uint64_t birth_;          // sequences that were opened before have smaller ones
  bool set_aside_ = false;  // the pool has no room for it; nothing of it is computed
  std::vector<TokenId> tokens_;
  size_t valid_ = 0;   // tokens whose cache entries are right (or will be, once the batch under way is done)
  size_t cached_ = 0;  // entries in the cache, the wrong ones included
  bool held_ = false;
  std::shared_ptr<Wish> wish_;
};

struct EngineOptions {
  int sequences = 64;            // at most 256: one llama.cpp context
  size_t context_tokens = 4096;  // for each sequence
  // Tokens that all sequences together hold in the cache; 0: what they hold when all are full. At least the
  // context of one.
  size_t pool_tokens = 0;
  // The sequences share one place of llama.cpp's cache, which has room for the pool. Each then looks at the
  // cells of all: several times slower on a CPU, but on a device, whose memory is taken at once, the only way
  // to share it.
  bool unified = false;
  int threads = 1;
  int row_threads = 0;  // that take in the results of a batch where rows are long; 0: as many as `threads`
};

struct EngineStats {
  uint64_t batches = 0;
  uint64_t graphs = 0;            // that llama.cpp computed for them
  uint64_t tokens = 0;            // computed
  uint64_t refed_tokens = 0;      // of these, tokens computed again because the model cannot roll back
  uint64_t set_aside = 0;         // times that a sequence lost its cache because the pool was full
  uint64_t set_aside_tokens = 0;  // tokens that were in it, to be computed again
  uint64_t sequence_copies = 0;
  double cpu_seconds = 0.0;  // of the engine's own thread; helpers, where threads > 1, are not in it
};

// One llama.cpp context with a thread of its own. A batch holds the tokens that any of its sequences need
// (continuous batching). Sequences keep consecutive ids, because llama.cpp computes sequences together only
// if their ids are consecutive. All sequences share one pool of cache entries. Where it is full, the sequence
// that was opened last is set aside: its cache is given back, and its tokens are computed again once there is
// room. The sequence that was opened first is never set aside, so that there is always one that goes on, and
// the engines of several models that open their sequences in one order agree on which.
class Engine {
 public:
  static constexpr int kSequencesMax = 256;
  using Post = std::function<void(std::function<void()>)>;

  // `post` brings a callback to the driving thread; it must be callable from any thread until the engine is
  // gone.
  static Result<std::unique_ptr<Engine>> Create(std::shared_ptr<const LlamaModel> model,
                                                const EngineOptions& options, Post post);
  ~Engine();

  // Null when all places are taken.
  std::unique_ptr<Sequence> Open();
  int free_places() const;
  const LlamaModel& model() const;
  const EngineOptions& options() const;
  EngineStats stats() const;

  // For EngineGroup, which decides when a batch is worth starting.
  bool busy() const;
  bool wanted() const;     // a sequence waits for results
  bool all_ready() const;  // every sequence that has begun has something to compute
  size_t pending_tokens() const;
  uint64_t batches_done() const;
  // Sets sequences aside, and takes them in again, as the pool has room. Not while busy.
  void Admit();
  void StartBatch();  // not while busy; admits first

 private:
  friend class Sequence;
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  void Release(Sequence& sequence);

  std::unique_ptr<Impl> impl_;
};

// Starts the batches of several engines so that they are dense. Call Pump whenever the driving thread has
// nothing else to do. An engine starts when all its sequences are ready. Otherwise it waits until the batches
// that other engines have under way at that moment are done, and no longer. Tokens whose results no sequence
// waits for start a batch only when they fill it.
class EngineGroup {
 public:
  void Add(Engine& engine) { engines_.push_back({&engine, {}, false}); }
  void Pump();
  bool busy() const;

 private:
  struct Member {
    Engine* engine;
    std::vector<uint64_t> waits_for;  // batches_done() of each engine that ends the wait
    bool waiting;
  };
  std::vector<Member> engines_;
};

}  // namespace tessy
