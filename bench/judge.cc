// What the sandbox costs, in one run on one machine: CPU time a run over a bare fork and exec of the same
// program; tests a second beside a loop of Python's subprocess without any sandbox; memory of the judge over
// many runs.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "judge/program_runner.h"

namespace tessy {
namespace {

using Clock = std::chrono::steady_clock;

// Of this process and of all children that were waited for, in milliseconds.
double CpuMilliseconds() {
  double sum = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
    }
  }
  return sum;
}

double MemoryMiB() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

[[noreturn]] void End(const std::string& message) {
  fmt::print(stderr, "tessy_judge_bench: {}\n", message);
  std::exit(1);
}

struct Cost {
  double cpu = 0;   // milliseconds a run
  double wall = 0;  // milliseconds a run
};

template <class Do>
Cost Measure(int runs, const Do& act) {
  const double cpu = CpuMilliseconds();
  const auto began = Clock::now();
  act();
  const double wall = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  return {(CpuMilliseconds() - cpu) / runs, wall / runs};
}

// A program with its output read, as little as can be done.
void RunPlainly(const char* path) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) End("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  char* const arguments[] = {const_cast<char*>(path), nullptr};
  pid_t process = -1;
  if (posix_spawn(&process, path, &actions, nullptr, arguments, environ) != 0) End("no process");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char buffer[4096];
  while (read(ends[0], buffer, sizeof buffer) > 0) continue;
  close(ends[0]);
  waitpid(process, nullptr, 0);
}

Cost MeasurePlain(int runs) {
  return Measure(runs, [&] {
    for (int i = 0; i < runs; ++i) RunPlainly("/bin/true");
  });
}

// With the box's own start and end, so that the launcher was waited for and counts.
Cost MeasureBox(SandboxLevel level, int runs) {
  return Measure(runs, [&] {
    auto box = Box::Open({.level = level});
    if (!box) End(box.error().message);
    for (int i = 0; i < runs; ++i) {
      const auto end = box->Run({.arguments = {"/bin/true"}});
      if (!end || end->exit_status != 0) End(end ? "/bin/true failed" : end.error().message);
    }
  });
}

// Tests a second of one worker.
double TestsASecond(const CodeTask& task, const std::string& cache) {
  FairMutex beside;
  ProgramRunner runner({.cache_folder = cache}, beside);
  CodeTask once = task;
  once.tests.tests.resize(1);
  (void)runner.Judge(once);  // opens the box and compiles
  const auto began = Clock::now();
  const auto verdict = runner.Judge(task);
  if (!verdict) End(verdict.error().message);
  if (verdict->verdict != ProgramVerdict::kAccepted) End("a right program got " + verdict->reason);
  return static_cast<double>(task.tests.tests.size()) /
         std::chrono::duration<double>(Clock::now() - began).count();
}

constexpr const char* kLoop = R"(
import subprocess, sys, time
command, count = sys.argv[2:], int(sys.argv[1])
subprocess.run(command, input='4\n', capture_output=True, text=True)
began = time.perf_counter()
for i in range(count):
    done = subprocess.run(command, input='4\n', capture_output=True, text=True, timeout=6)
    assert done.stdout.split() == ['8']
print(count / (time.perf_counter() - began))
)";

double LoopTestsASecond(const std::string& folder, const std::string& command, int count) {
  const std::string script = folder + "/loop.py";
  std::ofstream(script) << kLoop;
  FILE* const pipe = popen(fmt::format("/usr/bin/python3 {} {} {}", script, count, command).c_str(), "r");
  if (pipe == nullptr) End("no Python");
  double rate = 0;
  if (std::fscanf(pipe, "%lf", &rate) != 1) End("the loop in Python failed");
  pclose(pipe);
  return rate;
}

void CompareRates(const char* name, Language language, const std::string& code, const std::string& folder,
                  int count) {
  CodeTask task{.code = code, .language = language};
  task.tests.tests.assign(static_cast<size_t>(count), {"4\n", "8\n"});
  std::string command = "/usr/bin/python3 " + folder + "/plain.py";
  if (language == Language::kCpp) {
    command = folder + "/plain";
    std::ofstream(folder + "/plain.cc") << code;
    if (std::system(fmt::format("g++ -O2 -o {0} {0}.cc", command).c_str()) != 0) End("g++ failed");
  } else {
    std::ofstream(folder + "/plain.py") << code;
  }
  const double loop = LoopTestsASecond(folder, command, count);
  const double ours = TestsASecond(task, folder);
  fmt::print(
      "{:<8} {:>7.1f} tests/s in the sandbox, {:>7.1f} in a loop of Python's subprocess: {:.2f} times\n",
      name, ours, loop, ours / loop);
}

void Bench(int runs) {
  const Cost plain = MeasurePlain(runs);
  fmt::print("{:<28} {:>6.2f} ms CPU, {:>6.2f} ms\n", "/bin/true, fork and exec", plain.cpu, plain.wall);
  for (const SandboxLevel level : {SandboxLevel::kA, SandboxLevel::kB, SandboxLevel::kC}) {
    if (!Box::Open({.level = level})) continue;
    const Cost box = MeasureBox(level, runs);
    fmt::print("/bin/true, sandbox level {}    {:>6.2f} ms CPU, {:>6.2f} ms; overhead {:.2f} ms CPU\n",
               NameOf(level), box.cpu, box.wall, box.cpu - plain.cpu);
  }
  char folder[] = "/tmp/tessy-bench-XXXXXX";
  if (mkdtemp(folder) == nullptr) End("no folder");
  CompareRates("Python", Language::kPython, "print(2 * int(input()))\n", folder, std::max(10, runs / 10));
  CompareRates(
      "C++", Language::kCpp,
      "#include <cstdio>\nint main() { int n; std::scanf(\"%d\", &n); std::printf(\"%d\\n\", 2 * n); }\n",
      folder, std::max(10, runs / 2));
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  auto box = Box::Open();
  if (!box) End(box.error().message);
  double before = 0;
  for (int i = 0; i < 10 * runs; ++i) {
    if (i == runs) before = MemoryMiB();
    if (!box->Run({.arguments = {"/bin/true"}})) End("a run failed");
  }
  fmt::print("memory of the judge after {} runs: {:.1f} MiB, after {}: {:.1f} MiB\n", runs, before, 10 * runs,
             MemoryMiB());
}

}  // namespace
}  // namespace tessy

int main(int argc, char** argv) {
  CLI::App app("The sandbox's overhead");
  bool quick = false;
  app.add_flag("--quick", quick, "few runs, to see that it works");
  CLI11_PARSE(app, argc, argv);
  tessy::Bench(quick ? 50 : 1000);
}
