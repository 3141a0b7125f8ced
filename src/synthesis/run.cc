#include "synthesis/run.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace tessy {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// True if the parent process asked that the end of the terminal be ignored, as nohup does.
bool HangupIsIgnored() {
  struct sigaction action {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// So many samples that servers refuse, and no other, tell that it is not for the samples.
constexpr size_t kRefusalsMax = 3;

// Workers for each place: how many samples may wait for their judgement is limited, because each keeps its
// response.
constexpr int kWorkersPerPlace = 4;

class Runner {
 public:
  Runner(asio::io_context& io, Cast& cast, const TaskSettings& settings, TaskSource& tasks,
         const RunOptions& options, const RunCallbacks& callbacks)
      : io_(io),
        cast_(cast),
        settings_(settings),
        places_(io, options.concurrency),
        tasks_(tasks),
        options_(options),
        callbacks_(callbacks),
        signals_(io),
        timer_(io) {
    progress_.samples = tasks.size() + options.resumed_done + options.resumed_failed;
    progress_.done = options.resumed_done;
    progress_.failed = options.resumed_failed;
    progress_.resumed = options.resumed_done + options.resumed_failed;
    settings_.places = &places_;
    settings_.judging = [this] {
      if (places_.has_free() && workers_ < kWorkersPerPlace * options_.concurrency) Employ();
    };
  }

  RunResult Run();

 private:
  void Employ();
  asio::awaitable<void> Worker();
  // A sample with its outcome, and when it began.
  struct Ended {
    SampleTask task;
    SampleOutcome outcome;
    Clock::time_point began;
  };
  void Deliver(Ended ended);
  void Finish(const Ended& ended);
  void FinishRefused();
  void StopForRefusals();
  void Commit();
  void RecordSession(const char* ended);
  void FailWith(Status status);
  void Drive();
  void Stop();
  void Interrupt();
  void AwaitSignal();
  void AwaitTick();
  void Report();

  asio::io_context& io_;
  Cast& cast_;
  TaskSettings settings_;
  Places places_;
  TaskSource& tasks_;
  const RunOptions& options_;
  const RunCallbacks& callbacks_;
  asio::signal_set signals_;
  asio::steady_timer timer_;

  Clock::time_point began_ = Clock::now();
  const int64_t began_ms_ = UnixMilliseconds();
  RunProgress progress_;
  std::vector<Ended> refused_;
  int workers_ = 0;
  std::atomic<bool> stop_ = false;
  bool interrupted_ = false;
  Status status_;
};

asio::awaitable<void> Runner::Worker() {
  while (!stop_) {
    const auto task = tasks_.Next();
    if (!task) FailWith(tl::unexpected(task.error()));
    if (!task || !*task) co_return;
    const auto began = Clock::now();
    const SampleOutcome outcome =
        co_await RunTask(cast_, settings_, **task, progress_.counters, stop_, options_.store);
    if (outcome.lost) FailWith(tl::unexpected<Error>(*outcome.lost));
    if (!outcome.cancelled) Deliver({**task, outcome, began});
    // While its response was judged another worker has taken its place.
    if (!places_.has_free()) co_return;
  }
}

void Runner::Employ() {
  ++workers_;
  // Not within the call: a worker that takes over what is recorded may come as far as to employ the next one.
  asio::post(io_, [this] {
    asio::co_spawn(io_, Worker(), [this](const std::exception_ptr& failure) {
      --workers_;
      if (failure) std::rethrow_exception(failure);
    });
  });
}

// The first samples that servers refuse are held back: if none comes to its end, the fault is in the settings
// or the servers, and no sample has failed for good.
void Runner::Deliver(Ended ended) {
  if (ended.outcome.done || progress_.done > options_.resumed_done) {
    FinishRefused();
    return Finish(ended);
  }
  if (!ended.outcome.refused) return Finish(ended);
  refused_.push_back(std::move(ended));
  if (refused_.size() == kRefusalsMax) StopForRefusals();
}

void Runner::StopForRefusals() {
  const std::string reason = refused_.back().outcome.failures.back();
  FailWith(Fail(ErrorCode::kRefused,
                "the first samples are all refused, so that nothing is marked as failed: " + reason));
  refused_.clear();
}

void Runner::FinishRefused() {
  for (const Ended& ended : std::exchange(refused_, {})) Finish(ended);
}

void Runner::Finish(const Ended& ended) {
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - ended.began);
  auto status = callbacks_.finished(ended.task, ended.outcome, static_cast<uint64_t>(wall.count()));
  if (status) {
    ++(ended.outcome.done ? progress_.done : progress_.failed);
    const SampleStats& stats = ended.outcome.stats;
    // What a sample that failed wrote last is among its failed attempts already.
    progress_.counters.finished_tokens +=
        (ended.outcome.done ? stats.tokens() : 0) + stats.failed_attempts_tokens;
    return;
  }
  FailWith(std::move(status));
}

void Runner::FailWith(Status status) {
  if (status_) status_ = std::move(status);
  Stop();
}

// A turn without anything to record costs nothing.
void Runner::Commit() {
  if (options_.store == nullptr || !options_.store->dirty()) return;
  RecordSession("");
  if (auto status = options_.store->Commit(); !status && !stop_) FailWith(std::move(status));
}

void Runner::RecordSession(const char* ended) {
  if (options_.store == nullptr) return;
  const RunCounters& counters = progress_.counters;
  options_.store->SetSession({.started_ms = began_ms_,
                              .last_ms = UnixMilliseconds(),
                              .ended = ended,
                              .samples = progress_.samples,
                              .done = progress_.done,
                              .failed = progress_.failed,
                              .tokens = counters.tokens,
                              .drafted_tokens = counters.drafted,
                              .discarded_tokens = counters.discarded,
                              .recalled_tokens = counters.recalled,
                              .spans = counters.spans});
}

void Runner::Stop() {
  stop_ = true;
  cast_.Cancel();
  if (settings_.judge != nullptr) settings_.judge->Cancel();
}

void Runner::Interrupt() {
  interrupted_ = true;
  Stop();
}

void Runner::AwaitSignal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    // The second time the user means it: what is finished is on disk already.
    if (interrupted_) _exit(3);
    Interrupt();
    AwaitSignal();
  });
}

void Runner::AwaitTick() {
  timer_.expires_after(options_.progress_interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    Report();
    RecordSession("");
    Commit();  // who is never idle commits, too
    AwaitTick();
  });
}

void Runner::Report() {
  if (!callbacks_.progress) return;
  progress_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  callbacks_.progress(progress_);
}

void Runner::Drive() {
  const std::stop_callback on_stop(options_.stop, [this] { asio::post(io_, [this] { Interrupt(); }); });
  while (workers_ > 0) {
    // First all that is ready, so that the engines see every request there is, then the engines, then wait.
    if (io_.poll() > 0) continue;
    Commit();
    cast_.Pump();
    io_.run_one();
  }
}

RunResult Runner::Run() {
  io_.restart();  // an earlier run on this context has ended it
  if (options_.stop_on_signals) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    if (!HangupIsIgnored()) signals_.add(SIGHUP);
    AwaitSignal();
  }
  AwaitTick();
  const auto guard = asio::make_work_guard(io_);
  for (int i = 0; i < options_.concurrency; ++i) Employ();
  Drive();
  // Where others of the run are done, the servers take such requests: these samples are at fault themselves.
  if (!refused_.empty() && !stop_ && options_.resumed_done == 0) StopForRefusals();
  if (!stop_) FinishRefused();
  signals_.cancel();
  timer_.cancel();
  io_.poll();
  Report();
  RecordSession(!status_ ? "failed" : interrupted_ ? "interrupted" : "finished");
  if (auto status = options_.store != nullptr ? options_.store->Commit() : Status(); !status && status_) {
    status_ = std::move(status);
  }
  return {.progress = progress_, .interrupted = interrupted_, .status = std::move(status_)};
}

}  // namespace

RunResult RunAll(asio::io_context& io, Cast& cast, const TaskSettings& settings, TaskSource& tasks,
                 const RunOptions& options, const RunCallbacks& callbacks) {
  return Runner(io, cast, settings, tasks, options, callbacks).Run();
}

RunResult RunAll(asio::io_context& io, Cast& cast, const TaskSettings& settings,
                 const std::deque<SampleTask>& tasks, const RunOptions& options,
                 const RunCallbacks& callbacks) {
  ListedTasks listed(tasks);
  return RunAll(io, cast, settings, listed, options, callbacks);
}

}  // namespace tessy
