#include "judge/code_judge.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/machine.h"
#include "judge/code_tests.h"

namespace tessy {
namespace {

size_t WorkersOf(int wanted) {
  const int most = ProcessorsAvailable();
  return static_cast<size_t>(wanted > 0 ? std::min(wanted, most) : most);
}

Error Cancelled() { return {.code = ErrorCode::kCancelled, .message = "cancelled"}; }

}  // namespace

class CodePool::Impl {
 public:
  Impl(const RunnerOptions& options, size_t workers, Post post) : post_(std::move(post)) {
    // The program's signals are for its other threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < workers; ++i)
      runners_.push_back(std::make_unique<ProgramRunner>(options, beside_));
    for (const auto& runner : runners_) threads_.emplace_back([this, &runner] { Work(*runner); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      waiting_.clear();
    }
    asked_.notify_all();
    // One that has taken its task and not begun it yet would not hear of it.
    while (busy_ > 0) {
      for (const auto& runner : runners_) runner->Interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (std::thread& thread : threads_) thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Run(CodeTask task, Done done) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(task), std::move(done), round_});
    }
    asked_.notify_one();
  }
  void Cancel() {
    std::deque<Order> dropped;
    {
      const std::lock_guard lock(mutex_);
      dropped.swap(waiting_);
      ++round_;
    }
    for (const auto& runner : runners_) runner->Interrupt();
    for (Order& order : dropped) Deliver(std::move(order.done), tl::unexpected<Error>(Cancelled()));
  }

 private:
  struct Order {
    CodeTask task;
    Done done;
    uint64_t round = 0;  // that it was asked for in; Cancel begins another
  };

  void Deliver(Done done, Result<CodeVerdict> result) {
    post_([alive = std::weak_ptr(alive_), done = std::move(done), result = std::move(result)] {
      if (!alive.expired()) done(result);
    });
  }

  void Work(ProgramRunner& runner) {
    std::unique_lock lock(mutex_);
    while (true) {
      asked_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (closing_) return;
      Order order = std::move(waiting_.front());
      waiting_.pop_front();
      ++busy_;
      lock.unlock();
      auto result = runner.Judge(order.task);
      lock.lock();
      --busy_;
      if (closing_) return;
      if (order.round != round_) result = tl::unexpected<Error>(Cancelled());
      lock.unlock();
      Deliver(std::move(order.done), std::move(result));
      lock.lock();
    }
  }

  const Post post_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // callbacks run while it is there
  FairMutex beside_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Order> waiting_;
  uint64_t round_ = 0;
  bool closing_ = false;
  std::atomic<int> busy_ = 0;
  std::vector<std::unique_ptr<ProgramRunner>> runners_;
  std::vector<std::thread> threads_;
};

CodePool::CodePool(RunnerOptions options, int workers, Post post)
    : impl_(std::make_unique<Impl>(options, WorkersOf(workers), std::move(post))) {}
CodePool::~CodePool() = default;

void CodePool::Run(CodeTask task, Done done) { impl_->Run(std::move(task), std::move(done)); }
void CodePool::Cancel() { impl_->Cancel(); }

CodeJudge::CodeJudge(CodeJudgeOptions options, Post post)
    : options_(std::move(options)), post_(std::move(post)), pool_(options_.runner, options_.workers, post_) {}

void CodeJudge::Ask(const Question& question, const JudgedResponse& response, Done done) {
  const auto answer_now = [this, &done](Result<bool> result) {
    post_([alive = std::weak_ptr(alive_), done = std::move(done), result = std::move(result)] {
      if (!alive.expired()) done(result);
    });
  };
  auto tests = CodeTestsOf(question.source_json.empty() ? "{}" : question.source_json);
  if (!tests) return answer_now(tl::unexpected(tests.error()));
  CodeTask task{.code = CodeIn(response.answer, options_.rule),
                .language = options_.language,
                .tests = std::move(*tests),
                .limits = options_.limits,
                .rule = options_.compares};
  if (task.code.empty()) return answer_now(false);
  pool_.Run(std::move(task), [done = std::move(done)](Result<CodeVerdict> verdict) {
    if (!verdict) return done(tl::unexpected(verdict.error()));
    done(verdict->verdict == ProgramVerdict::kAccepted);
  });
}

}  // namespace tessy
