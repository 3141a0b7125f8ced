#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace tessy {
namespace {

using Clock = std::chrono::steady_clock;

void Require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string("program.cc: ") + what + ": " + std::strerror(errno));
}

// A pipe whose ends are not inherited by programs.
std::array<int, 2> MakePipe() {
  std::array<int, 2> ends{};
  Require(pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
  return ends;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    const auto same = [&](const std::string& other) { return other.starts_with(name); };
    if (std::ranges::none_of(added, same)) all.push_back(text);
  }
  return all;
}

// Children inherit the limit, and a write beyond it is an error, not a signal.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) : limited_(bytes > 0) {
    if (!limited_) return;
    Require(getrlimit(RLIMIT_FSIZE, &before_) == 0, "getrlimit");
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    Require(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    if (!limited_) return;
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  bool limited_;
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

// False at the end of the output. A pseudoterminal ends with EIO.
bool ReadSome(int descriptor, std::string& text) {
  char block[4096];
  const ssize_t n = read(descriptor, block, sizeof block);
  if (n > 0) text.append(block, static_cast<size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

void CloseOnce(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const ProgramOptions& options)
    : time_limit_(options.time_limit * kSlowness) {
  const int out = OpenOutput(options.output_is_terminal);
  const auto err = MakePipe();
  err_ = err[0];
  Start(arguments, options, {out, err[1]});
  close(out);
  close(err[1]);
}

// The program's end of the output; our end is out_.
int Program::OpenOutput(bool terminal) {
  if (!terminal) {
    const auto ends = MakePipe();
    out_ = ends[0];
    return ends[1];
  }
  out_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Require(out_ >= 0 && grantpt(out_) == 0 && unlockpt(out_) == 0, "pseudoterminal");
  const int end = open(ptsname(out_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  Require(end >= 0, "pseudoterminal");
  return end;
}

void Program::Start(const std::vector<std::string>& arguments, const ProgramOptions& options,
                    const int (&ends)[2]) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  // A shell starts background processes with these signals ignored.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGPIPE}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> texts = arguments;
  std::vector<std::string> variables = Environment(options.environment);
  {
    const FileSizeLimit limit(options.file_bytes_max);
    errno = posix_spawnp(&process_, texts.front().c_str(), &actions, &attributes, Pointers(texts).data(),
                         Pointers(variables).data());
  }
  const int failed = errno;
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  errno = failed;
  Require(failed == 0, texts.front().c_str());
}

Program::~Program() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  CloseOnce(out_);
  CloseOnce(err_);
}

void Program::Signal(int number) const {
  if (process_ > 0) kill(process_, number);
}

ProgramResult Program::Wait() {
  ProgramResult result;
  const auto end = Clock::now() + time_limit_;
  while (out_ >= 0 || err_ >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) {
      result.timed_out = true;
      Signal(SIGKILL);
      break;
    }
    std::array<pollfd, 2> ends{
        {{.fd = out_, .events = POLLIN, .revents = 0}, {.fd = err_, .events = POLLIN, .revents = 0}}};
    if (poll(ends.data(), ends.size(), static_cast<int>(left)) <= 0) continue;
    if (ends[0].revents != 0 && !ReadSome(out_, result.out)) CloseOnce(out_);
    if (ends[1].revents != 0 && !ReadSome(err_, result.err)) CloseOnce(err_);
  }
  int status = 0;
  rusage used{};
  wait4(process_, &status, 0, &used);
  process_ = -1;
  result.peak_bytes = static_cast<uint64_t>(used.ru_maxrss) << 10;
  if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

ProgramResult RunProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  return Program(arguments, options).Wait();
}

}  // namespace tessy
