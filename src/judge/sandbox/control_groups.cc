#include "judge/sandbox/control_groups.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

namespace tessy {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool Has(const std::vector<std::string>& parts, const std::string& part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

// This process's group of a controller, as a path of /proc/self/cgroup; "" stands for version 2.
std::optional<std::string> OwnGroup(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_it = controller.empty() ? controllers.empty() : Has(Split(controllers, ','), controller);
    if (is_it) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The folder of this process's group, by the mounts that it sees.
std::optional<std::string> OwnFolder(const std::string& controller) {
  const auto group = OwnGroup(controller);
  if (!group) return std::nullopt;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto before = Split(line.substr(0, dash), ' ');
    const auto after = Split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    const bool is_it = controller.empty() ? after[0] == "cgroup2"
                                          : after[0] == "cgroup" && Has(Split(after[2], ','), controller);
    if (!is_it) continue;
    const std::string& root = before[3];
    if (root == "/") return before[4] + (*group == "/" ? "" : *group);
    if (group->starts_with(root)) return before[4] + group->substr(root.size());
  }
  return std::nullopt;
}

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  return file << text << std::flush ? true : false;
}

std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool PassesOn(const std::string& folder) {
  const auto passed = Split(ReadLine(folder + "/cgroup.subtree_control"), ' ');
  return Has(passed, "memory") && Has(passed, "pids");
}

// Controllers for groups below `folder` of version 2.
bool PassOn(const std::string& folder) {
  if (PassesOn(folder)) return true;
  const auto given = Split(ReadLine(folder + "/cgroup.controllers"), ' ');
  if (!Has(given, "memory") || !Has(given, "pids")) return false;
  if (Write(folder + "/cgroup.subtree_control", "+memory +pids")) return true;
  const std::string own = folder + "/tessy-program";
  if (mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) return false;
  if (Write(own + "/cgroup.procs", std::to_string(getpid())) &&
      Write(folder + "/cgroup.subtree_control", "+memory +pids")) {
    return true;
  }
  Write(folder + "/cgroup.procs", std::to_string(getpid()));
  rmdir(own.c_str());
  return false;
}

// A process that has moved itself below its group makes groups beside its own.
std::string WithoutProgram(const std::string& folder) {
  constexpr std::string_view kProgram = "/tessy-program";
  return folder.ends_with(kProgram) ? folder.substr(0, folder.size() - kProgram.size()) : folder;
}

}  // namespace

Result<ControlGroups> ControlGroups::Make(const std::string& name) {
  ControlGroups groups;
  const auto make = [&](const std::string& parent) -> Result<std::string> {
    std::string path = parent + "/" + name;
    if (mkdir(path.c_str(), 0755) == 0) return path;
    return Fail(ErrorCode::kUnavailable, fmt::format("{}: {}", path, std::strerror(errno)));
  };
  const auto memory = OwnFolder("memory");
  const auto pids = OwnFolder("pids");
  if (memory && pids) {
    const auto made_memory = make(*memory);
    if (!made_memory) return tl::unexpected(made_memory.error());
    groups.memory_ = *made_memory;
    const auto made_pids = make(*pids);
    if (!made_pids) return tl::unexpected(made_pids.error());
    groups.pids_ = *made_pids;
    if (const auto cpu = OwnFolder("cpuacct")) groups.cpu_ = make(*cpu).value_or("");
    return groups;
  }
  const auto all = OwnFolder("");
  if (!all) return Fail(ErrorCode::kUnavailable, "no control groups are mounted");
  const std::string parent = WithoutProgram(*all);
  if (!PassOn(parent)) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("{}: passes memory and pids on to no group below it", parent));
  }
  const auto made = make(parent);
  if (!made) return tl::unexpected(made.error());
  groups.memory_ = groups.pids_ = groups.cpu_ = *made;
  return groups;
}

ControlGroups::~ControlGroups() { Remove(); }

ControlGroups& ControlGroups::operator=(ControlGroups&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(pids_, other.pids_);
  std::swap(cpu_, other.cpu_);
  return *this;
}

uint64_t ControlGroups::OutOfMemoryKills() const {
  if (memory_.empty()) return 0;
  std::ifstream file(memory_ + (memory_ == pids_ ? "/memory.events" : "/memory.oom_control"));
  std::string key;
  for (uint64_t number = 0; file >> key >> number;) {
    if (key == "oom_kill") return number;
  }
  return 0;
}

void ControlGroups::Remove() {
  for (const std::string* path : {&memory_, &pids_, &cpu_}) {
    if (path->empty()) continue;
    // The kernel lets go of a group a moment after its last process.
    for (int i = 0; i < 100 && rmdir(path->c_str()) != 0 && errno == EBUSY; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

}  // namespace tessy
