#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "synthesis/task.h"
#include "synthesis/task_source.h"

namespace tessy {

struct RunProgress {
  size_t samples = 0;  // in all, with those that an earlier run finished
  size_t done = 0;
  size_t failed = 0;
  size_t resumed = 0;  // of `done` and `failed`: there before this run
  RunCounters counters;
  double seconds = 0.0;
};

struct RunOptions {
  int concurrency = 1;  // texts that are written at a time; samples under judgement are not among them
  std::chrono::milliseconds progress_interval{500};
  // SIGINT, SIGTERM and SIGHUP (unless it is ignored, as under nohup) stop the run; the store keeps what is
  // under way.
  bool stop_on_signals = true;
  std::stop_token stop = {};  // asked for from any thread, it stops the run as a signal does
  size_t resumed_done = 0;
  size_t resumed_failed = 0;
  // The store that records the events of the run. They are committed when all ready work is done, before the
  // engines go on and before the run waits, so a consequence is never stored without its cause. Null:
  // nothing is recorded.
  RunStore* store = nullptr;
};

struct RunCallbacks {
  // A sample is done or has failed for good. An error stops the run.
  std::function<Status(const SampleTask&, const SampleOutcome&, uint64_t wall_ms)> finished;
  std::function<void(const RunProgress&)> progress;  // may be empty
};

struct RunResult {
  RunProgress progress;
  bool interrupted = false;
  // The error of the first callback, task source or store that failed; kRefused: servers refuse all samples.
  Status status;
};

// Runs all tasks, each as a coroutine of its own, `concurrency` at a time and without a barrier between them,
// on this thread. Where responses are judged, up to three times as many wait for their judgement besides.
// `io` is the context to which the cast's engines post; nothing else may run it.
RunResult RunAll(boost::asio::io_context& io, Cast& cast, const TaskSettings& settings, TaskSource& tasks,
                 const RunOptions& options, const RunCallbacks& callbacks);
// The same for a list of tasks, to which the callbacks may add.
RunResult RunAll(boost::asio::io_context& io, Cast& cast, const TaskSettings& settings,
                 const std::deque<SampleTask>& tasks, const RunOptions& options,
                 const RunCallbacks& callbacks);

}  // namespace tessy
