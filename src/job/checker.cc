#include "job/checker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

extern char** environ;

namespace tessy {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// In a file that nobody else sees: a pipe would block on a checker that does not read.
std::unique_ptr<std::FILE, CloseFile> Input(const std::string& text) {
  std::unique_ptr<std::FILE, CloseFile> file(std::tmpfile());
  if (!file || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) return nullptr;
  std::rewind(file.get());
  return file;
}

}  // namespace

Result<bool> AskChecker(const std::string& command, const std::string& json_line, int seconds) {
  const auto input = Input(json_line + "\n");
  if (!input) return Fail(ErrorCode::kIo, fmt::format("--checker: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input.get()), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  // A group of its own, so that all it started goes with it.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  char* const argv[] = {shell.data(), option.data(), text.data(), nullptr};
  pid_t process = -1;
  const int failure = posix_spawn(&process, "/bin/sh", &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) return Fail(ErrorCode::kIo, fmt::format("--checker: {}", std::strerror(failure)));

  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  int status = 0;
  for (auto pause = std::chrono::microseconds(200);;
       pause = std::min<std::chrono::microseconds>(2 * pause, std::chrono::milliseconds(20))) {
    if (waitpid(process, &status, WNOHANG) == process) break;
    if (std::chrono::steady_clock::now() > end) {
      kill(-process, SIGKILL);
      waitpid(process, &status, 0);
      return Fail(ErrorCode::kBackend, fmt::format("--checker took longer than {} seconds", seconds));
    }
    std::this_thread::sleep_for(pause);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) return WEXITSTATUS(status) == 0;
  return Fail(ErrorCode::kInvalidArgument,
              WIFEXITED(status)
                  ? fmt::format("--checker ended with status {}; 0 is right, 1 is wrong", WEXITSTATUS(status))
                  : fmt::format("--checker was ended by signal {}", WTERMSIG(status)));
}

}  // namespace tessy
