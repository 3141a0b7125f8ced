#include "base/machine.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <thread>

#include "base/numbers.h"

namespace tessy {
namespace {

constexpr uint64_t kMemoryUnknown = uint64_t{4} << 30;

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "max" and what is no number are no limit.
std::optional<uint64_t> NumberIn(const std::string& path) {
  std::istringstream text(FirstLine(path));
  uint64_t number = 0;
  return text >> number ? std::optional(number) : std::nullopt;
}

// The value of a line "key value", or "key: value kB".
std::optional<uint64_t> ValueIn(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string name;
  uint64_t value = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream text(line);
    if (text >> name >> value && (name == key || name == key + ":")) return value;
  }
  return std::nullopt;
}

// Calls `group` with the folder of each control group that the process is in for `controller`: "" is cgroup
// v2. From the innermost to the root, since each limits what is below it.
void ForEachGroup(const MachineFiles& files, const std::string& controller,
                  const std::function<void(const std::string& folder)>& group) {
  std::ifstream file(files.proc + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool wanted = controller.empty() ? controllers == ",,"
                                           : controllers.find("," + controller + ",") != std::string::npos;
    if (!wanted) continue;
    const std::string root = controller.empty() ? files.cgroup : files.cgroup + "/" + controller;
    std::string path = line.substr(second + 1);
    while (!path.empty() && path.back() == '/') path.pop_back();
    while (true) {
      group(root + path);
      if (path.empty()) break;
      path.erase(path.rfind('/'));
    }
  }
}

double QuotaOfGroups(const MachineFiles& files) {
  double processors = std::numeric_limits<double>::infinity();
  ForEachGroup(files, "", [&](const std::string& folder) {
    std::istringstream text(FirstLine(folder + "/cpu.max"));
    double quota = 0;
    double period = 0;
    if (text >> quota >> period && period > 0) processors = std::min(processors, quota / period);
  });
  ForEachGroup(files, "cpu", [&](const std::string& folder) {
    const auto quota = NumberIn(folder + "/cpu.cfs_quota_us");  // -1: no limit
    const auto period = NumberIn(folder + "/cpu.cfs_period_us");
    if (!quota || !period || *period == 0 || *quota > INT64_MAX) return;
    processors = std::min(processors, static_cast<double>(*quota) / static_cast<double>(*period));
  });
  return processors;
}

uint64_t Left(uint64_t limit, uint64_t used, uint64_t droppable) {
  used -= std::min(used, droppable);
  return limit - std::min(limit, used);
}

}  // namespace

int ProcessorsAvailable(const MachineFiles& files) {
  cpu_set_t mask;
  const bool told = sched_getaffinity(0, sizeof mask, &mask) == 0;
  const int processors = told ? CPU_COUNT(&mask) : static_cast<int>(std::thread::hardware_concurrency());
  const double quota = std::ceil(QuotaOfGroups(files));
  return std::max(1, quota < processors ? static_cast<int>(quota) : processors);
}

int ThreadsWithin(int asked, std::string& cut) {
  const int processors = ProcessorsAvailable();
  cut.clear();
  if (asked <= processors) return asked;
  cut = fmt::format(
      "--threads {}: there are {} for this process, and more threads than that make it many times slower; "
      "{} {} used",
      asked, Counted(static_cast<uint64_t>(processors), "processor"), processors,
      processors == 1 ? "is" : "are");
  return processors;
}

uint64_t MemoryAvailable(const MachineFiles& files) {
  const auto kib = ValueIn(files.proc + "/meminfo", "MemAvailable");
  uint64_t bytes = kib ? *kib << 10 : kMemoryUnknown;
  ForEachGroup(files, "", [&](const std::string& folder) {
    const auto limit = NumberIn(folder + "/memory.max");
    const auto used = NumberIn(folder + "/memory.current");
    if (!limit || !used) return;
    bytes =
        std::min(bytes, Left(*limit, *used, ValueIn(folder + "/memory.stat", "inactive_file").value_or(0)));
  });
  ForEachGroup(files, "memory", [&](const std::string& folder) {
    const auto limit = NumberIn(folder + "/memory.limit_in_bytes");
    const auto used = NumberIn(folder + "/memory.usage_in_bytes");
    if (!limit || !used) return;
    bytes = std::min(
        bytes, Left(*limit, *used, ValueIn(folder + "/memory.stat", "total_inactive_file").value_or(0)));
  });
  return bytes;
}

}  // namespace tessy
