#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tessy {

// Threads that help an engine's own thread with the results of a batch: to draw a token of a large vocabulary
// takes up to a millisecond, and a batch has one for each sequence. One thread at a time may call Run.
class RowWorkers {
 public:
  // `helpers` threads beside the caller's; with none, Run is a loop.
  explicit RowWorkers(int helpers);
  ~RowWorkers();
  RowWorkers(const RowWorkers&) = delete;
  RowWorkers& operator=(const RowWorkers&) = delete;

  // Calls task(0) … task(count − 1), each once, on any of the threads and in any order. Returns when all
  // calls have returned; what they wrote is then visible to the caller.
  void Run(size_t count, const std::function<void(size_t)>& task);

 private:
  void Help();
  void TakeTasks(const std::function<void(size_t)>& task, size_t count);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable end_;
  // Guarded by mutex_.
  const std::function<void(size_t)>* task_ = nullptr;
  size_t count_ = 0;
  size_t round_ = 0;
  size_t helping_ = 0;  // threads in the present round
  bool stopping_ = false;

  std::atomic<size_t> next_{0};
};

}  // namespace tessy
