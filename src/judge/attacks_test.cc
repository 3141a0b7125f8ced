// Hostile programs get a verdict that is allowed, and leave nothing: each attack of the golden rows once,
// with a limit of one second, at the best level that the machine grants. TESSY_ATTACK_LEVELS="A,B,C" names
// others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "base/testing/source_tree.h"
#include "judge/program_runner.h"

namespace tessy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr uint64_t kOutputMax = 16 << 20;

std::vector<json> Attacks() {
  std::vector<json> rows;
  std::ifstream file(InSource("src/judge/attacks.jsonl"));
  for (std::string line; std::getline(file, line);) rows.push_back(json::parse(line));
  EXPECT_GT(rows.size(), 60U);
  return rows;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

uint64_t MemoryOfOurs() {
  std::istringstream sizes(ReadFile("/proc/self/statm"));
  uint64_t size = 0;
  uint64_t resident = 0;
  sizes >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// The names of the processes below this one, but for launchers.
std::vector<std::string> ProcessesLeft() {
  std::map<int, std::pair<int, std::string>> parents;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int process = std::atoi(entry.path().filename().c_str());
    const std::string stat = process > 0 ? ReadFile(entry.path() / "stat") : "";
    const size_t open = stat.find('(');
    const size_t close = stat.rfind(')');
    if (close == std::string::npos || stat.size() < close + 4) continue;
    parents[process] = {std::atoi(stat.c_str() + close + 4), stat.substr(open + 1, close - open - 1)};
  }
  std::vector<std::string> left;
  for (const auto& [process, parent] : parents) {
    int at = parent.first;
    while (at > 1 && at != getpid() && parents.contains(at)) at = parents[at].first;
    if (at == getpid() && parent.second != "tessy-launcher") left.push_back(parent.second);
  }
  return left;
}

// "python3.11".
std::string PythonName() {
  std::error_code error;
  return fs::canonical("/usr/bin/python3", error).filename().string();
}

// Files that attacks try to leave on the machine or to change, and when they were written; those that are
// there.
std::map<std::string, fs::file_time_type> FilesThere() {
  std::map<std::string, fs::file_time_type> there;
  for (const std::string& path :
       {std::string("/tmp/victim"), std::string("/tmp/z"), std::string("/tmp/result.json"),
        std::string("/tmp/out.txt"), std::string("/tmp/d"), std::string("/tmp/core"),
        std::string("/box/program"), std::string("/etc/ld.so.preload"), std::string("/usr/x"),
        "/usr/local/lib/" + PythonName() + "/dist-packages/usercustomize.py",
        std::string("/usr/lib/python3/dist-packages/usercustomize.py"),
        "/usr/lib/" + PythonName() + "/random.py", std::string("core"), std::string("result.json"),
        std::string("verdict")}) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) continue;
    there[path] = fs::last_write_time(path, error);
  }
  return there;
}

// Somebody who listens and must hear nothing.
class Listener {
 public:
  Listener(int family, const sockaddr* address, socklen_t size)
      : socket_(socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    const int yes = 1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    EXPECT_EQ(bind(socket_, address, size), 0) << std::strerror(errno);
    EXPECT_EQ(listen(socket_, 4), 0);
  }
  // Of TCP.
  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  ~Listener() { close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  bool HasHeard() const { return accept(socket_, nullptr, nullptr) >= 0; }

 private:
  int socket_;
};

std::unique_ptr<Listener> ListenTcp() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return std::make_unique<Listener>(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::string AbstractName() { return "tessy-canary-" + std::to_string(getpid()); }

std::unique_ptr<Listener> ListenAbstract() {
  const std::string name = std::string(1, '\0') + AbstractName();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  return std::make_unique<Listener>(AF_UNIX, reinterpret_cast<const sockaddr*>(&address),
                                    static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
}

std::string CacheFolder() { return fs::absolute("judge-cache").string(); }

std::vector<std::optional<SandboxLevel>> Levels() {
  std::vector<std::optional<SandboxLevel>> levels;
  const char* const wanted = std::getenv("TESSY_ATTACK_LEVELS");
  std::istringstream names(wanted == nullptr ? "" : wanted);
  for (std::string name; std::getline(names, name, ',');) levels.push_back(SandboxLevelOf(name));
  if (levels.empty()) levels.emplace_back();
  return levels;
}

RunnerOptions OptionsOf(std::optional<SandboxLevel> level) {
  return {.box = {.level = level},
          .cache_folder = CacheFolder(),
          .compile_max = seconds(15),
          .looks_twice = false};
}

std::string Replaced(std::string text, std::string_view from, const std::string& to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// The rows name a port and a socket; `port` and AbstractName are this test's own.
CodeTask TaskOf(const json& row, int port, SandboxLevel level) {
  CodeTask task{
      .code = Replaced(Replaced(row["code"], "8765", std::to_string(port)), "tessy-canary", AbstractName()),
      .language = row["language"] == "cpp" ? Language::kCpp : Language::kPython};
  std::string input = row["stdin"];
  if (row["id"] == "attack-58") input += std::string(64 << 20, ' ');
  task.tests.tests.push_back({std::move(input), row["expected_output"]});
  task.limits = {.cpu = seconds(1), .memory = 256 << 20, .output = kOutputMax};
  // Landlock looks at every folder above a name: thousands of nested ones take the square of their number.
  if (level == SandboxLevel::kC && row.contains("cpu_seconds_at_c"))
    task.limits.cpu = seconds(row["cpu_seconds_at_c"].get<int>());
  return task;
}

class AttacksTest : public testing::TestWithParam<std::optional<SandboxLevel>> {
 protected:
  // A program that means well.
  void ExpectAnswer(ProgramRunner& runner) {
    CodeTask task{.code = "print(2 * int(input()))"};
    task.tests.tests.push_back({"4\n", "8\n"});
    const auto verdict = runner.Judge(task);
    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_EQ(LettersOf(verdict->verdict), "AC") << verdict->reason;
  }

  void Check(const Result<CodeVerdict>& verdict, SandboxLevel level, const json& row) {
    ASSERT_TRUE(verdict) << verdict.error().message;
    const bool without_groups = level != SandboxLevel::kA && row.contains("expected_without_cgroup");
    const json& allowed = row[without_groups ? "expected_without_cgroup" : "expected"];
    EXPECT_THAT(allowed.get<std::vector<std::string>>(), Contains(std::string(LettersOf(verdict->verdict))))
        << verdict->reason << "\n"
        << verdict->output;
    EXPECT_THAT(verdict->reason, Not(HasSubstr("root:")));
    EXPECT_THAT(verdict->output, Not(HasSubstr("root:")));
    EXPECT_THAT(ProcessesLeft(), IsEmpty());
    EXPECT_EQ(FilesThere(), there_);
  }

  const std::map<std::string, fs::file_time_type> there_ = FilesThere();
};

// Where the machine grants no level (a container without Landlock, say) there is nothing to attack.
bool GrantsNothing() {
  const auto box = Box::Open();
  if (box || box.error().code != ErrorCode::kUnavailable) return false;
  std::cout << "no attack is tried: " << box.error().message << "\n";
  return true;
}

INSTANTIATE_TEST_SUITE_P(Levels, AttacksTest, testing::ValuesIn(Levels()), [](const auto& level) {
  return level.param ? std::string(NameOf(*level.param)) : std::string("Best");
});

TEST_P(AttacksTest, GetAnAllowedVerdictAndLeaveNothing) {
  if (GrantsNothing()) return;
  setenv("TESSY_CANARY_KEY", "secret", 1);
  const std::string mounts = ReadFile("/proc/self/mounts");
  const uint64_t memory = MemoryOfOurs();
  const auto tcp = ListenTcp();
  const auto abstract = ListenAbstract();
  FairMutex beside;
  ProgramRunner runner(OptionsOf(GetParam()), beside);
  const auto level = runner.Level();
  ASSERT_TRUE(level) << level.error().message;
  ProgramRunner neighbour(OptionsOf(GetParam()), beside);
  for (const json& row : Attacks()) {
    SCOPED_TRACE(row["id"].get<std::string>() + " " + row["name"].get<std::string>());
    // Whom nobody may hurt.
    std::thread other([&] { ExpectAnswer(neighbour); });
    const auto verdict = runner.Judge(TaskOf(row, tcp->port(), *level));
    other.join();
    Check(verdict, *level, row);
    ExpectAnswer(runner);
  }
  // One of them had an input of 64 MiB.
  EXPECT_LT(MemoryOfOurs(), memory + kOutputMax + (16 << 20));
  EXPECT_FALSE(tcp->HasHeard());
  EXPECT_FALSE(abstract->HasHeard());
  EXPECT_EQ(ReadFile("/proc/self/mounts"), mounts);
}

// The attacks that end at once, over and over in one box.
TEST_P(AttacksTest, AThousandInARowLeaveNothing) {
  if (GrantsNothing()) return;
  const std::string mounts = ReadFile("/proc/self/mounts");
  FairMutex beside;
  ProgramRunner runner(OptionsOf(GetParam()), beside);
  const std::set<std::string> quick{"attack-22", "attack-23", "attack-24", "attack-32", "attack-38",
                                    "attack-42", "attack-43", "attack-45", "attack-49", "attack-50",
                                    "attack-51", "attack-52", "attack-63", "attack-70"};
  std::vector<CodeTask> tasks;
  for (const json& row : Attacks()) {
    if (quick.contains(row["id"])) tasks.push_back(TaskOf(row, 0, SandboxLevel::kA));
  }
  ASSERT_EQ(tasks.size(), quick.size());
  for (const CodeTask& task : tasks) ASSERT_TRUE(runner.Judge(task));  // compiles them
  std::vector<double> milliseconds_taken;
  uint64_t memory = 0;
  for (size_t i = 0; i < 1000; ++i) {
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(runner.Judge(tasks[i % tasks.size()]));
    milliseconds_taken.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    if (i == 100) memory = MemoryOfOurs();
  }
  const auto median = [&](size_t begin, size_t end) {
    std::vector<double> part(milliseconds_taken.begin() + static_cast<ptrdiff_t>(begin),
                             milliseconds_taken.begin() + static_cast<ptrdiff_t>(end));
    std::nth_element(part.begin(), part.begin() + static_cast<ptrdiff_t>(part.size() / 2), part.end());
    return part[part.size() / 2];
  };
  std::cout << "median of the first 200: " << median(0, 200) << " ms, of the last 200: " << median(800, 1000)
            << " ms\n";
  EXPECT_LT(median(800, 1000), 3 * median(0, 200) + 5);
  EXPECT_LT(MemoryOfOurs(), memory + (4 << 20));
  EXPECT_THAT(ProcessesLeft(), IsEmpty());
  EXPECT_EQ(FilesThere(), there_);
  EXPECT_EQ(ReadFile("/proc/self/mounts"), mounts);
}

}  // namespace
}  // namespace tessy
