#include "cli/stages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "base/numbers.h"
#include "store/append_file.h"

extern char** environ;

namespace tessy {
namespace {

namespace fs = std::filesystem;

std::atomic<int> g_signal{0};

extern "C" void StopStages(int number) { g_signal = number; }

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
  return text->substr(newline == std::string::npos ? 0 : newline + 1, end - newline);
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
  pid_t process = -1;
  const int failure = posix_spawn(&process, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return Fail(ErrorCode::kIo, fmt::format("{}: {}", program, std::strerror(failure)));
  return process;
}

}  // namespace

Result<Stages> Stages::Open(const std::string& folder, int jobs) {
  std::error_code error;
  fs::create_directories(folder + "/done", error);
  fs::create_directories(folder + "/logs", error);
  Stages stages;
  stages.folder_ = folder;
  stages.jobs_ = jobs;
  stages.opened_ = Now();
  stages.program_ = fs::read_symlink("/proc/self/exe", error).string();
  stages.lock_ = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (stages.lock_ < 0) {
    return Fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", folder, std::strerror(errno)));
  }
  if (flock(stages.lock_, LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kConflict, fmt::format("{}: another run is at work here", folder));
  }
  return stages;
}

Stages::Stages(Stages&& other) noexcept
    : folder_(std::move(other.folder_)),
      program_(std::move(other.program_)),
      jobs_(other.jobs_),
      lock_(std::exchange(other.lock_, -1)),
      opened_(other.opened_),
      finished_(other.finished_) {}

Stages::~Stages() {
  if (lock_ >= 0) close(lock_);
}

double Stages::seconds() const { return Now() - opened_; }

bool Stages::Done(const Stage& stage) const { return fs::exists(folder_ + "/done/" + stage.name); }

Status Stages::Run(const std::string& title, const std::vector<Stage>& stages) {
  struct sigaction action {};
  action.sa_handler = StopStages;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::vector<const Stage*> to_do;
  for (const Stage& stage : stages) {
    if (!Done(stage)) {
      to_do.push_back(&stage);
      continue;
    }
    const auto recorded = ReadWhole(folder_ + "/done/" + stage.name);
    if (recorded && *recorded != CommandLine(stage)) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("{}: holds a lab with other settings ({}: {}); take another --out", folder_,
                              stage.name, *recorded));
    }
  }
  if (to_do.empty()) return {};
  fmt::print(stderr, "[{:>6}] {} ({} command{})\n", Duration(seconds()), title, to_do.size(),
             to_do.size() == 1 ? "" : "s");
  std::map<pid_t, const Stage*> running;
  Status status;
  size_t next = 0;
  while (!running.empty() || (next < to_do.size() && status)) {
    if (g_signal != 0 && status) {
      status = Fail(ErrorCode::kCancelled, "interrupted; the same command goes on");
      for (const auto& [process, stage] : running) kill(process, g_signal);
    }
    if (status && next < to_do.size() && running.size() < static_cast<size_t>(jobs_)) {
      const Stage* stage = to_do[next++];
      auto process = Spawn(program_, *stage, folder_ + "/logs/" + stage->name + ".log");
      if (!process) {
        status = tl::unexpected(process.error());
      } else {
        running[*process] = stage;
      }
      continue;
    }
    int result = 0;
    const pid_t ended = wait(&result);
    if (ended < 0) continue;  // a signal came
    const auto found = running.find(ended);
    if (found == running.end()) continue;
    const Stage& stage = *found->second;
    running.erase(found);
    const bool done = WIFEXITED(result) && (WEXITSTATUS(result) == 0 || WEXITSTATUS(result) == 2);
    if (done) {
      if (auto written = WriteWhole(folder_ + "/done/" + stage.name, CommandLine(stage)); !written)
        status = written;
      ++finished_;
    } else if (status && g_signal == 0) {
      const std::string log = folder_ + "/logs/" + stage.name + ".log";
      status = Fail(ErrorCode::kBackend, fmt::format("{} failed: {} (all of it: {}); it was: {}", stage.name,
                                                     LastLine(log), log, CommandLine(stage)));
    }
  }
  return status;
}

}  // namespace tessy
