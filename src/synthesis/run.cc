#include "synthesis/run.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>

namespace tessy {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

class Runner {
 public:
  Runner(asio::io_context& io, Cast& cast, const TaskSettings& settings, const std::deque<SampleTask>& tasks,
         const RunOptions& options, const RunCallbacks& callbacks)
      : io_(io),
        cast_(cast),
        settings_(settings),
        tasks_(tasks),
        options_(options),
        callbacks_(callbacks),
        signals_(io),
        timer_(io) {
    progress_.done = options.resumed_done;
    progress_.failed = options.resumed_failed;
    progress_.resumed = options.resumed_done + options.resumed_failed;
  }

  RunResult Run();

 private:
  asio::awaitable<void> Worker();
  void Deliver(const SampleTask& task, const SampleOutcome& outcome, Clock::time_point began);
  void Stop();
  void AwaitSignal();
  void AwaitTick();
  void Report();

  asio::io_context& io_;
  Cast& cast_;
  const TaskSettings& settings_;
  const std::deque<SampleTask>& tasks_;
  const RunOptions& options_;
  const RunCallbacks& callbacks_;
  asio::signal_set signals_;
  asio::steady_timer timer_;

  Clock::time_point began_ = Clock::now();
  RunProgress progress_;
  size_t next_task_ = 0;
  int workers_ = 0;
  std::atomic<bool> stop_ = false;
  bool interrupted_ = false;
  Status status_;
};

asio::awaitable<void> Runner::Worker() {
  while (!stop_ && next_task_ < tasks_.size()) {
    const SampleTask& task = tasks_[next_task_++];
    const auto began = Clock::now();
    const SampleOutcome outcome = co_await RunTask(cast_, settings_, task, progress_.counters, stop_);
    if (!outcome.cancelled) Deliver(task, outcome, began);
  }
}

void Runner::Deliver(const SampleTask& task, const SampleOutcome& outcome, Clock::time_point began) {
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  auto status = callbacks_.finished(task, outcome, static_cast<uint64_t>(wall.count()));
  if (status) {
    ++(outcome.done ? progress_.done : progress_.failed);
    return;
  }
  if (status_) status_ = std::move(status);
  Stop();
}

void Runner::Stop() {
  stop_ = true;
  cast_.Cancel();
}

void Runner::AwaitSignal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    // The second time the user means it: what is finished is on disk already.
    if (interrupted_) _exit(3);
    interrupted_ = true;
    Stop();
    AwaitSignal();
  });
}

void Runner::AwaitTick() {
  timer_.expires_after(options_.progress_interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    Report();
    AwaitTick();
  });
}

void Runner::Report() {
  progress_.samples = tasks_.size() + options_.resumed_done + options_.resumed_failed;
  if (!callbacks_.progress) return;
  progress_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  callbacks_.progress(progress_);
}

RunResult Runner::Run() {
  io_.restart();  // an earlier run on this context has ended it
  if (options_.stop_on_signals) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    AwaitSignal();
  }
  AwaitTick();
  const auto guard = asio::make_work_guard(io_);
  workers_ = options_.concurrency;
  for (int i = 0; i < options_.concurrency; ++i) {
    asio::co_spawn(io_, Worker(), [this](const std::exception_ptr& failure) {
      --workers_;
      if (failure) std::rethrow_exception(failure);
    });
  }
  while (workers_ > 0) {
    // First all that is ready, so that the engines see every request there is, then the engines, then wait.
    if (io_.poll() > 0) continue;
    cast_.Pump();
    io_.run_one();
  }
  signals_.cancel();
  timer_.cancel();
  io_.poll();
  Report();
  return {.progress = progress_, .interrupted = interrupted_, .status = std::move(status_)};
}

}  // namespace

RunResult RunAll(asio::io_context& io, Cast& cast, const TaskSettings& settings,
                 const std::deque<SampleTask>& tasks, const RunOptions& options,
                 const RunCallbacks& callbacks) {
  return Runner(io, cast, settings, tasks, options, callbacks).Run();
}

}  // namespace tessy
