#include "model/llama/row_workers.h"

namespace tessy {

RowWorkers::RowWorkers(int helpers) {
  for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { Help(); });
}

RowWorkers::~RowWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void RowWorkers::TakeTasks(const std::function<void(size_t)>& task, size_t count) {
  for (size_t i = next_.fetch_add(1); i < count; i = next_.fetch_add(1)) task(i);
}

void RowWorkers::Run(size_t count, const std::function<void(size_t)>& task) {
  if (threads_.empty() || count < 2) {
    for (size_t i = 0; i < count; ++i) task(i);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    next_ = 0;
    ++round_;
  }
  begin_.notify_all();
  TakeTasks(task, count);
  // Those that have not woken by now are not waited for: there is nothing left for them.
  std::unique_lock lock(mutex_);
  task_ = nullptr;
  end_.wait(lock, [this] { return helping_ == 0; });
}

void RowWorkers::Help() {
  size_t seen = 0;
  while (true) {
    const std::function<void(size_t)>* task = nullptr;
    size_t count = 0;
    {
      std::unique_lock lock(mutex_);
      begin_.wait(lock, [&] { return stopping_ || (task_ != nullptr && round_ != seen); });
      if (stopping_) return;
      ++helping_;
      seen = round_;
      task = task_;
      count = count_;
    }
    TakeTasks(*task, count);
    {
      const std::lock_guard lock(mutex_);
      --helping_;
    }
    end_.notify_one();
  }
}

}  // namespace tessy
