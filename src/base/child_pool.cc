#include "base/child_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/descriptor.h"

extern "C" {  // glibc 2.36 leaves it out
#include <sys/pidfd.h>
}

namespace tessy {
namespace {

using Clock = std::chrono::steady_clock;

// kResourceLimit: the system gives no more now.
tl::unexpected<Error> FailSystem(int number) {
  const bool lacks = number == EMFILE || number == ENFILE || number == EAGAIN || number == ENOMEM;
  return Fail(lacks ? ErrorCode::kResourceLimit : ErrorCode::kIo, std::strerror(number));
}

// In a file that nobody else sees: a pipe would block on a program that does not read.
Result<Descriptor> OpenInput(std::string_view text) {
  Descriptor file(memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return FailSystem(errno);
  if (!WriteAll(file.get(), text)) return FailSystem(errno);
  if (lseek(file.get(), 0, SEEK_SET) != 0) return FailSystem(errno);
  return file;
}

// What posix_spawn is told; freed with the object.
class SpawnPlan {
 public:
  explicit SpawnPlan(int input) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    // The pool's thread blocks all signals, and the program ignores some: neither is the child's business.
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t to_default;
    sigemptyset(&to_default);
    sigaddset(&to_default, SIGPIPE);
    sigaddset(&to_default, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes_, &to_default);
    // A group of its own, so that all it starts can be killed with it.
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  Result<pid_t> Spawn(ChildCommand& command) const {
    std::vector<char*> pointers;
    for (std::string& argument : command.arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    std::vector<char*> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
      const std::string_view text(*variable);
      if (command.hides && command.hides(text.substr(0, text.find('=')))) continue;
      variables.push_back(*variable);
    }
    variables.push_back(nullptr);
    pid_t process = -1;
    const int failure =
        posix_spawnp(&process, pointers.front(), &actions_, &attributes_, pointers.data(), variables.data());
    if (failure != 0) return FailSystem(failure);
    return process;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// A program that runs.
struct Child {
  pid_t process;
  Descriptor handle;  // readable once the process has ended
  Clock::time_point deadline;
  ChildPool::Done done;
  std::optional<Error> killed = {};  // and why
};

void Kill(Child& child, Error reason) {
  if (child.killed) return;
  // The group's leader is not reaped yet, so that the number is still its own.
  kill(-child.process, SIGKILL);
  child.killed = std::move(reason);
}

Result<ChildEnd> Reap(const Child& child) {
  if (!child.killed) kill(-child.process, SIGKILL);  // what it has left behind
  int status = 0;
  while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) continue;
  if (child.killed) return tl::unexpected<Error>(*child.killed);
  if (WIFSIGNALED(status)) return ChildEnd{.signal = WTERMSIG(status)};
  return ChildEnd{.exit_status = WEXITSTATUS(status)};
}

Error Cancelled() { return {.code = ErrorCode::kCancelled, .message = "cancelled"}; }

// The rest of the milliseconds is waited for, too, so that a deadline has passed when poll returns.
int PollMilliseconds(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

}  // namespace

class ChildPool::Impl {
 public:
  Impl(int children_max, Post post)
      : children_max_(static_cast<size_t>(std::max(1, children_max))),
        fits_(children_max_),
        post_(std::move(post)) {
    TESSY_CHECK(wake_.valid());
    // The program's signals are for its other threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { Work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    Wake();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Run(ChildCommand command, Done done) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(command), std::move(done)});
    }
    Wake();
  }
  void Cancel() {
    std::deque<Order> dropped;
    {
      const std::lock_guard lock(mutex_);
      dropped.swap(waiting_);
      cancelled_ = true;
    }
    Wake();
    for (Order& order : dropped) Deliver(std::move(order.done), tl::unexpected<Error>(Cancelled()));
  }

 private:
  struct Order {
    ChildCommand command;
    Done done;
  };

  void Wake() const {
    const uint64_t one = 1;
    TESSY_CHECK(write(wake_.get(), &one, sizeof one) == sizeof one);
  }
  void Deliver(Done done, Result<ChildEnd> result) {
    post_([alive = std::weak_ptr(alive_), done = std::move(done), result = std::move(result)] {
      if (!alive.expired()) done(result);
    });
  }

  // ---- Of the pool's thread.

  void Work() {
    while (TakeOrders()) {
      Await();
      ReapEnded();
      for (Child& child : children_) {
        if (child.deadline <= Clock::now()) {
          Kill(child, {.code = ErrorCode::kResourceLimit, .message = "took too long"});
        }
      }
    }
    for (Child& child : children_) Kill(child, Cancelled());
    for (Child& child : children_) Deliver(std::move(child.done), Reap(child));
    children_.clear();
  }

  // Does what was asked for; false: the pool is to end.
  bool TakeOrders() {
    while (true) {
      std::unique_lock lock(mutex_);
      if (closing_) return false;
      if (std::exchange(cancelled_, false)) {
        for (Child& child : children_) Kill(child, Cancelled());
      }
      if (waiting_.empty() || children_.size() >= fits_) return true;
      Order order = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      auto child = Start(order.command);
      if (child) {
        child->done = std::move(order.done);
        children_.push_back(std::move(*child));
      } else if (child.error().code == ErrorCode::kResourceLimit && !children_.empty()) {
        fits_ = children_.size();  // no more than these for now; it waits for one of them to end
        lock.lock();
        if (!cancelled_) {
          waiting_.push_front(std::move(order));
        } else {
          Deliver(std::move(order.done), tl::unexpected<Error>(Cancelled()));
        }
      } else {
        Deliver(std::move(order.done), tl::unexpected<Error>(child.error()));
      }
    }
  }

  static Result<Child> Start(ChildCommand& command) {
    const auto input = OpenInput(command.input);
    if (!input) return tl::unexpected(input.error());
    const auto process = SpawnPlan(input->get()).Spawn(command);
    if (!process) return tl::unexpected(process.error());
    Child child{.process = *process,
                .handle = Descriptor(pidfd_open(*process, 0)),
                .deadline = Clock::now() + command.wall_max,
                .done = {}};
    if (child.handle.valid()) return child;
    const auto failure = FailSystem(errno);
    Kill(child, failure.value());
    (void)Reap(child);
    return failure;
  }

  // Until a program ends, a deadline passes or somebody calls.
  void Await() {
    polled_.assign(1, {.fd = wake_.get(), .events = POLLIN, .revents = 0});
    int timeout = -1;
    for (const Child& child : children_) {
      polled_.push_back({.fd = child.handle.get(), .events = POLLIN, .revents = 0});
      if (child.killed) continue;
      const int left = PollMilliseconds(child.deadline);
      timeout = timeout < 0 ? left : std::min(timeout, left);
    }
    const int ready = poll(polled_.data(), polled_.size(), timeout);
    TESSY_CHECK(ready >= 0 || errno == EINTR);
    if (ready < 0) {
      for (pollfd& entry : polled_) entry.revents = 0;
    }
    uint64_t calls = 0;
    if (polled_.front().revents != 0) TESSY_CHECK(read(wake_.get(), &calls, sizeof calls) == sizeof calls);
  }

  void ReapEnded() {
    std::vector<Child> running;
    for (size_t i = 0; i < children_.size(); ++i) {
      if (polled_[i + 1].revents == 0) {
        running.push_back(std::move(children_[i]));
      } else {
        fits_ = children_max_;
        Deliver(std::move(children_[i].done), Reap(children_[i]));
      }
    }
    children_ = std::move(running);
  }

  const size_t children_max_;
  size_t fits_;  // of the pool's thread: fewer than `children_max_` where the system gave no more
  const Post post_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // callbacks run while it is there
  Descriptor wake_{eventfd(0, EFD_CLOEXEC)};

  std::mutex mutex_;
  std::deque<Order> waiting_;
  bool cancelled_ = false;
  bool closing_ = false;

  std::vector<Child> children_;  // of the pool's thread
  std::vector<pollfd> polled_;   // `wake_`, then each of `children_`
  std::thread thread_;
};

ChildPool::ChildPool(int children_max, Post post)
    : impl_(std::make_unique<Impl>(children_max, std::move(post))) {}
ChildPool::~ChildPool() = default;

void ChildPool::Run(ChildCommand command, Done done) {
  TESSY_CHECK(!command.arguments.empty());
  impl_->Run(std::move(command), std::move(done));
}
void ChildPool::Cancel() { impl_->Cancel(); }

}  // namespace tessy
