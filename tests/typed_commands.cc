#include "typed_commands.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "cli_fixture.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kTimeLimit{120};

}  // namespace

std::vector<std::string> TypedCommands(const std::string& markdown) {
  std::vector<std::string> commands;
  bool in_fence = false;
  bool goes_on = false;
  for (const std::string& line : Lines(markdown)) {
    if (line.starts_with("```")) {
      in_fence = !in_fence;
    } else if (goes_on || (!in_fence && (line.starts_with("    tessy ") || line.starts_with("    make ")))) {
      if (!goes_on) commands.emplace_back();
      commands.back() += line.substr(line.find_first_not_of(' ')) + "\n";
      goes_on = line.ends_with('\\');
    }
  }
  return commands;
}

void MakeReadersFolder(const std::string& folder) {
  fs::create_directories(folder + "/bin");
  fs::create_symlink(ProgramPath(), folder + "/bin/tessy");
}

ProgramResult RunTyped(const std::string& command, const std::string& folder) {
  const std::string path = folder + "/bin:" + std::getenv("PATH");
  return RunProgram(
      {"bash", "-c", command},
      {.folder = folder, .environment = {"PATH=" + path}, .time_limit = kTimeLimit * kSlowness});
}

bool Untrained::Covers(const std::string& command) {
#ifdef TESSY_WITHOUT_TORCH
  const bool covers =
      command.starts_with("tessy train") || std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
        return command.find(" " + file) != std::string::npos;
      });
  std::smatch out;
  if (covers && std::regex_search(command, out, std::regex("--out (\\S+)"))) files_.push_back(out[1]);
  return covers;
#else
  return command.empty();
#endif
}

}  // namespace tessy
