#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/error.h"
#include "synthesis/sample.h"

namespace tessy {

// What a run has to do, task by task, so that no more of it is in memory than is under way. Asked by the
// thread that drives the run.
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // The next task; none where there is none now (tasks may come of what others have come to). An error stops
  // the run.
  virtual Result<std::optional<SampleTask>> Next() = 0;
  // Tasks in all, handed out or not, as far as it is known.
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
