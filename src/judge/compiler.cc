#include "judge/compiler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <vector>

#include "base/descriptor.h"
#include "base/sha256.h"
#include "base/visible.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

const std::vector<std::string> kFlags{"-std=gnu++17", "-O2", "-DONLINE_JUDGE", "-pipe", "-w"};
constexpr uint64_t kMemoryMax = 1ULL << 30;
constexpr uint64_t kHeaderMax = 512ULL << 20;
constexpr const char* kHeaderName = "stdc++.h.gch";

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + " ";
  return text;
}

std::string Hash(std::string_view first, std::string_view second = {}) {
  Sha256 sum;
  sum.Add(first);
  sum.Add(std::string_view("\0", 1));
  sum.Add(second);
  return sum.Finish();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// All of it or nothing, whoever else writes it. A cache may fail.
bool WriteFile(const fs::path& path, std::string_view bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  // Of its own for each who writes, in this process, too.
  std::string partial = path.string() + ".XXXXXX";
  const int descriptor = mkostemp(partial.data(), O_CLOEXEC);
  if (descriptor < 0) return false;
  // Programs of the sandbox read it as another user.
  bool is_written = fchmod(descriptor, 0644) == 0 && WriteAll(descriptor, bytes);
  is_written = close(descriptor) == 0 && is_written;
  if (is_written) fs::rename(partial, path, error);
  if (is_written && !error) return true;
  unlink(partial.c_str());
  return false;
}

// The first line that is about an error, else the first.
std::string MessageOf(std::string_view text) {
  const size_t at = text.find("error:");
  const size_t begin = at == std::string_view::npos ? 0 : text.rfind('\n', at) + 1;
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  return Visible(line.substr(0, 300));
}

BoxCommand CommandOf(const CompilerOptions& options, std::vector<std::string> arguments, const char* result) {
  BoxCommand command{.arguments = {options.compiler}, .collects = result};
  command.arguments.insert(command.arguments.end(), kFlags.begin(), kFlags.end());
  command.arguments.insert(command.arguments.end(), std::make_move_iterator(arguments.begin()),
                           std::make_move_iterator(arguments.end()));
  command.limits = {.cpu = options.cpu_max,
                    .wall = options.cpu_max * 3 + seconds(2),
                    .memory = kMemoryMax,
                    .output = 1 << 20,
                    .stack = 64 << 20,
                    .processes = 16};
  return command;
}

}  // namespace

std::string CompilerCacheFolder() {
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::string(cache) + "/tessy/judge";
  }
  const char* const home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.cache/tessy/judge" : std::string();
}

Result<std::string> Compiler::Identity() const {
  struct stat status {};
  if (stat(options_.compiler.c_str(), &status) != 0) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no C++ compiler at {}: sudo apt-get install g++", options_.compiler));
  }
  return fmt::format("{} {} {} {}", options_.compiler, status.st_size, status.st_mtime, Joined(kFlags));
}

Result<std::string> Compiler::HeaderFolder(const BoxOptions& box) const {
  const auto identity = Identity();
  if (!identity) return tl::unexpected(identity.error());
  if (options_.cache_folder.empty()) return std::string();
  std::error_code error;
  const std::string folder =
      fs::absolute(options_.cache_folder, error).string() + "/header-" + Hash(*identity).substr(0, 16);
  const std::string path = folder + "/bits/" + kHeaderName;
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  if (fs::exists(path, error)) return folder;
  BoxOptions large = box;
  large.shown.clear();
  large.temporary_max = kHeaderMax;
  auto opened = Box::Open(large);
  if (!opened) return tl::unexpected(opened.error());
  if (Status staged = opened->Stage("all.h", "#include <bits/stdc++.h>\n"); !staged) {
    return tl::unexpected(staged.error());
  }
  const auto end = opened->Run(CommandOf(
      options_, {"-x", "c++-header", opened->work_folder() + "/all.h", "-o", "all.gch"}, "all.gch"));
  if (!end) return tl::unexpected(end.error());
  if (end->exit_status != 0 || !end->collected || !WriteFile(path, *end->collected)) return std::string();
  return folder;
}

std::string Compiler::PathOf(std::string_view code) const {
  const auto identity = Identity();
  if (!identity || options_.cache_folder.empty()) return {};
  return options_.cache_folder + "/programs/" + Hash(*identity, code);
}

std::string Compiler::Kept(std::string_view code) const {
  const std::string path = PathOf(code);
  return path.empty() ? std::string() : ReadFile(path);
}

void Compiler::Keep(std::string_view code, std::string_view program) const {
  const std::string path = PathOf(code);
  if (path.empty() || !WriteFile(path, program)) return;
  std::error_code error;
  std::vector<fs::directory_entry> kept;
  for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), error)) kept.push_back(entry);
  if (kept.size() <= kProgramsKept) return;
  const auto oldest = std::min_element(kept.begin(), kept.end(), [&](const auto& a, const auto& b) {
    return a.last_write_time(error) < b.last_write_time(error);
  });
  fs::remove(oldest->path(), error);
}

Result<Compilation> Compiler::Compile(Box& box, std::string_view code,
                                      const std::string& header_folder) const {
  if (const auto identity = Identity(); !identity) return tl::unexpected(identity.error());
  if (Status staged = box.Stage("main.cc", code); !staged) return tl::unexpected(staged.error());
  std::vector<std::string> arguments{box.work_folder() + "/main.cc", "-o", "program"};
  if (!header_folder.empty()) arguments.insert(arguments.begin(), "-I" + header_folder);
  auto end = box.Run(CommandOf(options_, std::move(arguments), "program"));
  if (!end) return tl::unexpected(end.error());
  switch (end->cut) {
    case BoxCut::kNone:
      break;
    case BoxCut::kInterrupted:
      return Fail(ErrorCode::kCancelled, "cancelled");
    case BoxCut::kCpu:
    case BoxCut::kWall:
      return Compilation{.message = "the compiler took too long"};
    default:
      return Compilation{.message = "the compiler took too much memory or wrote too much"};
  }
  if (end->out_of_memory) return Compilation{.message = "the compiler took too much memory"};
  if (end->exit_status != 0 || end->signal != 0 || !end->collected || end->collected->empty()) {
    return Compilation{.message = MessageOf(end->error)};
  }
  Keep(code, *end->collected);
  return Compilation{.program = std::move(*end->collected)};
}

}  // namespace tessy
