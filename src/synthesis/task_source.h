#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/error.h"
#include "synthesis/sample.h"

namespace tessy {

// The tasks of a run, handed out one by one, so that only the tasks under way are in memory. Used by the
// thread that drives the run.
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // The next task; empty if there is none now (finished tasks may bring new ones). An error stops the run.
  virtual Result<std::optional<SampleTask>> Next() = 0;
  // The number of all tasks, handed out or not, as far as it is known.
  virtual size_t size() const = 0;
};

// The tasks of a list, which may grow while the run is under way.
class ListedTasks final : public TaskSource {
 public:
  explicit ListedTasks(const std::deque<SampleTask>& tasks) : tasks_(tasks) {}

  Result<std::optional<SampleTask>> Next() override {
    if (next_ == tasks_.size()) return std::nullopt;
    return tasks_[next_++];
  }
  size_t size() const override { return tasks_.size(); }

 private:
  const std::deque<SampleTask>& tasks_;
  size_t next_ = 0;
};

}  // namespace tessy
