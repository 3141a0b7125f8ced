#include "job/stages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "store/append_file.h"
#include "store/configuration.h"

extern "C" {  // glibc 2.36 leaves it out
#include <sys/pidfd.h>
}

extern char** environ;

namespace tessy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInterrupted = "interrupted; the same command goes on";

std::atomic<int> g_signal{0};   // the last one
std::atomic<int> g_signals{0};  // how many came
std::atomic<int> g_wake{-1};    // an eventfd, which wakes the one who waits, whichever thread got the signal
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void StopStages(int number) {
  const int error = errno;
  g_signal = number;
  ++g_signals;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(g_wake, &one, sizeof one);
  errno = error;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string CommandLine(const Stage& stage) {
  return fmt::format("tessy {}", fmt::join(stage.arguments, " "));
}

std::string LastLine(const std::string& path) {
  const auto text = ReadWhole(path);
  if (!text || text->empty()) return "it said nothing";
  const size_t end = text->find_last_not_of('\n');
  if (end == std::string::npos) return "it said nothing";
  const size_t newline = text->rfind('\n', end);
  const size_t start = newline == std::string::npos ? 0 : newline + 1;
  return text->substr(start, end + 1 - start);
}

Result<pid_t> Spawn(const std::string& program, const Stage& stage, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<std::string> words{"tessy"};
  words.insert(words.end(), stage.arguments.begin(), stage.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // The signals that this thread blocks are no business of a stage, which must hear when it is to stop.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t process = -1;
  const int failure = posix_spawn(&process, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return Fail(ErrorCode::kIo, fmt::format("{}: {}", program, std::strerror(failure)));
  return process;
}

}  // namespace

// Notes SIGINT and SIGTERM while it lives; then the former handlers are back.
class Stages::SignalWatch {
 public:
  SignalWatch() {
    g_signal = 0;
    g_signals = 0;
    g_wake = wake_;
    struct sigaction action {};
    action.sa_handler = StopStages;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~SignalWatch() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
    g_wake = -1;
    close(wake_);
  }
  int wake() const { return wake_; }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  const int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

// The processes that run, each with its stage.
class Stages::Processes {
 public:
  explicit Processes(const Stages& stages) : stages_(stages) {}
  ~Processes() {
    for (const Process& process : running_) close(process.handle);
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  size_t count() const { return running_.size(); }

  Status Start(const Stage& stage) {
    if (!stage.set_aside.empty()) {
      if (const auto moved = SetAside(stage.set_aside); !moved) return tl::unexpected(moved.error());
    }
    const auto process = Spawn(stages_.options_.program, stage, stages_.LogOf(stage));
    if (!process) return tl::unexpected(process.error());
    const int handle = pidfd_open(*process, 0);
    if (handle < 0) {
      const int reason = errno;
      kill(*process, SIGKILL);
      waitpid(*process, nullptr, 0);
      return Fail(ErrorCode::kIo, fmt::format("pidfd_open: {}", std::strerror(reason)));
    }
    running_.push_back({.number = *process, .handle = handle, .stage = &stage});
    return {};
  }

  void Signal(int number) const {
    for (const Process& process : running_) kill(process.number, number);
  }

  // Waits until one has ended, and gives its stage and its wait status; none if a signal came first, be it
  // before this call.
  std::pair<const Stage*, int> Await() {
    std::vector<pollfd> polled{{.fd = stages_.watch_->wake(), .events = POLLIN, .revents = 0}};
    for (const Process& process : running_) {
      polled.push_back({.fd = process.handle, .events = POLLIN, .revents = 0});
    }
    if (poll(polled.data(), polled.size(), -1) < 0) return {nullptr, 0};
    uint64_t signals = 0;
    if (read(polled.front().fd, &signals, sizeof signals) > 0) return {nullptr, 0};
    for (size_t i = 0; i < running_.size(); ++i) {
      if (polled[i + 1].revents == 0) continue;
      const Process ended = running_[i];
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      close(ended.handle);
      int status = 0;
      while (waitpid(ended.number, &status, 0) < 0 && errno == EINTR) continue;
      return {ended.stage, status};
    }
    return {nullptr, 0};
  }

 private:
  struct Process {
    pid_t number;
    int handle;  // readable once the process has ended
    const Stage* stage;
  };

  const Stages& stages_;
  std::vector<Process> running_;
};

Result<Stages> Stages::Open(Options options) {
  const std::string folder = options.folder;
  std::error_code error;
  fs::create_directories(folder + "/done", error);
  fs::create_directories(folder + "/logs", error);
  Stages stages(std::move(options));
  stages.lock_ = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (stages.lock_ < 0) {
    return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", folder, std::strerror(errno)));
  }
  if (flock(stages.lock_, LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kConflict, fmt::format("{}: another run is at work here", folder));
  }
  return stages;
}

Stages::Stages(Options options)
    : options_(std::move(options)), watch_(std::make_unique<SignalWatch>()), opened_(Now()) {
  std::error_code ignored;
  if (options_.program.empty()) options_.program = fs::read_symlink("/proc/self/exe", ignored).string();
}

Stages::Stages(Stages&& other) noexcept
    : options_(std::move(other.options_)),
      watch_(std::move(other.watch_)),
      lock_(std::exchange(other.lock_, -1)),
      opened_(other.opened_) {}

Stages::~Stages() {
  if (lock_ >= 0) close(lock_);
}

Result<std::vector<const Stage*>> Stages::Undone(const std::vector<Stage>& stages) const {
  std::vector<const Stage*> undone;
  for (const Stage& stage : stages) {
    if (!fs::exists(NoteOf(stage))) {
      undone.push_back(&stage);
      continue;
    }
    const auto recorded = ReadWhole(NoteOf(stage));
    if (recorded && *recorded != CommandLine(stage)) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("{}: holds a lab with other settings ({}: {}); take another --out",
                              options_.folder, stage.name, *recorded));
    }
  }
  return undone;
}

// A synthesis in which some samples failed for good (exit status 2) is done, too.
Status Stages::Conclude(const Stage& stage, int wait_status) const {
  if (WIFEXITED(wait_status) && (WEXITSTATUS(wait_status) == 0 || WEXITSTATUS(wait_status) == 2))
    return WriteWhole(NoteOf(stage), CommandLine(stage));
  return Fail(ErrorCode::kBackend, fmt::format("{} failed: {} (all of it: {}); it was: {}", stage.name,
                                               LastLine(LogOf(stage)), LogOf(stage), CommandLine(stage)));
}

Status Stages::Run(const std::string& title, const std::vector<Stage>& stages) {
  const auto undone = Undone(stages);
  if (!undone) return tl::unexpected(undone.error());
  if (undone->empty()) return {};
  if (options_.begun) options_.begun({title, undone->size(), Now() - opened_});
  Processes processes(*this);
  Status status;
  size_t next = 0;
  int passed_on = 0;
  while (processes.count() > 0 || (next < undone->size() && status)) {
    if (const int came = g_signals; came != passed_on) {
      passed_on = came;
      if (status) status = Fail(ErrorCode::kCancelled, kInterrupted);
      processes.Signal(g_signal);
    }
    if (status && next < undone->size() && processes.count() < static_cast<size_t>(options_.jobs)) {
      status = processes.Start(*(*undone)[next++]);
      continue;
    }
    const auto [stage, ended] = processes.Await();
    if (stage == nullptr) continue;
    auto concluded = Conclude(*stage, ended);
    // One that was stopped has not failed.
    if (!concluded && status && g_signal == 0) status = concluded;
  }
  if (g_signal != 0 && status) return Fail(ErrorCode::kCancelled, kInterrupted);
  return status;
}

}  // namespace tessy
