#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "model/llama/engine.h"

namespace tessy {

// The driving thread of some engines, for tests: takes what they post and pumps them, as synthesis/run.h
// does. Must outlive the engines.
class EngineDriver {
 public:
  // For Engine::Create.
  Engine::Post post();
  void Add(Engine& engine) { group_.Add(engine); }

  // Goes on until `done()`. Stops the program when nothing is under way that could bring that about.
  void RunUntil(const std::function<bool()>& done);
  // Takes in what was posted, without starting anything.
  void Poll();
  // Waits until no batch is under way; starts none.
  void Settle();

 private:
  bool TakeOne(bool wait);

  EngineGroup group_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> posted_;
};

// Results that are wanted of one sequence.
class WantedRows {
 public:
  WantedRows(Sequence& sequence, std::vector<size_t> positions);

  bool done() const { return state_->done; }
  const Status& status() const { return state_->status; }
  // By position.
  const std::vector<std::vector<float>>& rows() const { return state_->rows; }

 private:
  struct State {  // the engine may write to it after WantedRows is gone
    bool done = false;
    Status status;
    std::vector<std::vector<float>> rows;
  };
  std::shared_ptr<State> state_;
};

// Wants the results at `positions` and drives the engine until they are there.
std::vector<std::vector<float>> RowsAt(EngineDriver& driver, Sequence& sequence,
                                       std::vector<size_t> positions);
std::vector<float> LastRow(EngineDriver& driver, Sequence& sequence);

}  // namespace tessy
