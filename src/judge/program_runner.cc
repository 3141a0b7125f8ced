#include "judge/program_runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/visible.h"
#include "judge/compiler.h"
#include "judge/prelude.h"
#include "judge/value_compare.h"

namespace tessy {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr int kTries = 3;
constexpr size_t kReasonMax = 200;
constexpr size_t kOutputShown = 4096;
// A test is not cut where its time ends: what is just above it may only have had bad neighbours.
constexpr double kNearLimit = 1.2;

nanoseconds WallOf(nanoseconds cpu) { return cpu * 3 + seconds(2); }
nanoseconds Scaled(nanoseconds time, double factor) {
  return nanoseconds(static_cast<int64_t>(static_cast<double>(time.count()) * factor));
}
double SecondsOf(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  text.remove_prefix(text.rfind('\n') + 1);
  return Visible(text.substr(0, kReasonMax));
}

std::string HowItEnded(const BoxEnd& end) {
  const std::string line = LastLine(end.error);
  const std::string how = end.signal != 0 ? fmt::format("signal {} ({})", end.signal, strsignal(end.signal))
                                          : fmt::format("exit status {}", end.exit_status);
  return line.empty() ? how : how + ": " + line;
}

// The verdict on a run that no comparison is needed for.
std::optional<CodeVerdict> VerdictWithoutOutput(const BoxEnd& end, const CodeLimits& limits) {
  const auto made = [](ProgramVerdict verdict, std::string reason) {
    return CodeVerdict{.verdict = verdict, .reason = std::move(reason)};
  };
  if (end.out_of_memory || end.cut == BoxCut::kMemory) {
    return made(ProgramVerdict::kMemoryLimit, fmt::format("more than {} MiB", limits.memory >> 20));
  }
  if (end.cut == BoxCut::kOutput) {
    return made(ProgramVerdict::kOutputLimit, fmt::format("more than {} MiB of output", limits.output >> 20));
  }
  if (end.cut == BoxCut::kFiles) return made(ProgramVerdict::kOutputLimit, "too many or too large files");
  if (end.cut == BoxCut::kCpu || end.cpu > limits.cpu) {
    return made(ProgramVerdict::kTimeLimit, fmt::format("more than {} s of CPU time", SecondsOf(limits.cpu)));
  }
  if (end.cut == BoxCut::kWall) {
    return made(ProgramVerdict::kTimeLimit,
                fmt::format("more than {} s by the clock", SecondsOf(WallOf(limits.cpu))));
  }
  if (end.signal != 0 || end.exit_status != 0) return made(ProgramVerdict::kRuntimeError, HowItEnded(end));
  return std::nullopt;
}

// By the clock, or by less than a fifth: worth a second look.
bool MayBeBadLuck(const BoxEnd& end, const CodeLimits& limits) {
  if (end.cut == BoxCut::kWall) return true;
  return end.cpu > limits.cpu && end.cut == BoxCut::kNone;
}

struct StagedFile {
  std::string name;
  std::string content;
  bool executable = false;
};

// A line that the script of functions has written.
struct FunctionResult {
  nanoseconds cpu{0};
  std::string_view value;
};

std::vector<FunctionResult> ResultsOf(std::string_view output) {
  std::vector<FunctionResult> results;
  while (true) {
    const size_t end = output.find('\n');
    const size_t blank = output.find(' ');
    if (end == std::string_view::npos || blank > end) return results;
    FunctionResult result{.value = output.substr(blank + 1, end - blank - 1)};
    result.cpu = nanoseconds(std::strtoll(std::string(output.substr(0, blank)).c_str(), nullptr, 10));
    results.push_back(result);
    output.remove_prefix(end + 1);
  }
}

bool AreJsonLines(std::string_view text) {
  while (true) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    // Python's module reads three words more than JSON has.
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (line.find(word) != std::string::npos) return true;
    }
    if (!nlohmann::json::accept(line)) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

class ProgramRunner::Impl {
 public:
  Impl(RunnerOptions options, FairMutex& beside)
      : options_(std::move(options)),
        compiler_({options_.compiler, options_.cache_folder, options_.compile_max}),
        beside_(beside) {}

  Result<CodeVerdict> Judge(const CodeTask& task);
  void Interrupt() {
    const std::lock_guard lock(mutex_);
    if (!judging_) return;
    interrupted_ = true;
    if (box_) box_->Interrupt();
  }
  Result<SandboxLevel> Level() {
    if (Status ready = MakeReady(); !ready) return tl::unexpected(ready.error());
    return box_->level();
  }

 private:
  template <class Do>
  auto WithBox(const Do& act) -> decltype(act(std::declval<Box&>()));
  Status MakeReady();
  Status Stage(std::vector<StagedFile> files);
  Result<BoxEnd> Run(const BoxCommand& command);
  Result<BoxEnd> RunFairly(const BoxCommand& command, const CodeLimits& limits, bool& ran_again);

  Result<CodeVerdict> JudgeWithin(const CodeTask& task);
  Result<CodeVerdict> JudgeInput(const CodeTask& task, const std::vector<std::string>& arguments);
  Result<CodeVerdict> JudgeFunction(const CodeTask& task);
  Result<CodeVerdict> OfFunction(const CodeTask& task, const BoxEnd& end);
  Result<bool> PythonCompiles(const CodeTask& task, std::string& message);
  Result<std::optional<CodeVerdict>> Prepare(const CodeTask& task, std::vector<std::string>& arguments);
  // The program, and the script that runs it; kNotFound: there is no interpreter.
  Status StageScript(const CodeTask& task, std::string script);
  Result<std::optional<CodeVerdict>> PrepareCpp(const CodeTask& task, std::vector<std::string>& arguments);
  const std::string& InterpreterOf(const CodeTask& task) const {
    return task.language == Language::kPyPy ? options_.pypy : options_.python;
  }
  std::vector<std::string> ScriptCall(const CodeTask& task) const {
    const std::string& work = box_->work_folder();
    return {InterpreterOf(task), "-B", "-s", work + "/run.py", work + "/main.py"};
  }

  RunnerOptions options_;
  Compiler compiler_;
  FairMutex& beside_;
  std::string header_folder_;
  std::vector<StagedFile> staged_;

  std::mutex mutex_;  // what Interrupt looks at
  std::optional<Box> box_;
  bool judging_ = false;
  bool interrupted_ = false;
};

// A box, with what is staged.
Status ProgramRunner::Impl::MakeReady() {
  if (box_) return {};
  BoxOptions options = options_.box;
  if (!header_folder_.empty()) options.shown.push_back(header_folder_);
  auto opened = Box::Open(options);
  if (!opened) return tl::unexpected(opened.error());
  {
    const std::lock_guard lock(mutex_);
    box_.emplace(std::move(*opened));
  }
  for (const StagedFile& file : staged_) {
    if (Status staged = box_->Stage(file.name, file.content, file.executable); !staged) return staged;
  }
  return {};
}

// A failure of the box is no verdict: a new one is made, up to three times.
template <class Do>
auto ProgramRunner::Impl::WithBox(const Do& act) -> decltype(act(std::declval<Box&>())) {
  std::optional<Error> error;
  for (int i = 0; i < kTries; ++i) {
    if (Status ready = MakeReady(); !ready) {
      error = ready.error();
    } else {
      auto result = act(*box_);
      if (result || result.error().code != ErrorCode::kBackend) return result;
      error = result.error();
    }
    const std::lock_guard lock(mutex_);
    box_.reset();
  }
  return tl::unexpected<Error>(*error);
}

Status ProgramRunner::Impl::Stage(std::vector<StagedFile> files) {
  staged_.clear();
  const bool is_new = !box_;
  staged_ = std::move(files);
  return WithBox([&](Box& box) -> Status {
    if (is_new) return {};
    if (Status cleared = box.ClearStage(); !cleared) return cleared;
    for (const StagedFile& file : staged_) {
      if (Status staged = box.Stage(file.name, file.content, file.executable); !staged) return staged;
    }
    return {};
  });
}

Result<BoxEnd> ProgramRunner::Impl::Run(const BoxCommand& command) {
  while (true) {
    auto end = WithBox([&](Box& box) { return box.Run(command); });
    if (!end || end->cut != BoxCut::kInterrupted) return end;
    const std::lock_guard lock(mutex_);
    // Else it was meant for a judgement that had just ended.
    if (interrupted_) return Fail(ErrorCode::kCancelled, "cancelled");
  }
}

Result<BoxEnd> ProgramRunner::Impl::RunFairly(const BoxCommand& command, const CodeLimits& limits,
                                              bool& ran_again) {
  {
    const std::shared_lock lock(beside_);
    auto end = Run(command);
    if (!end || !options_.looks_twice || !MayBeBadLuck(*end, limits)) return end;
  }
  const std::unique_lock lock(beside_);
  ran_again = true;
  return Run(command);
}

Result<CodeVerdict> ProgramRunner::Impl::Judge(const CodeTask& task) {
  {
    const std::lock_guard lock(mutex_);
    judging_ = true;
    interrupted_ = false;
  }
  auto verdict = JudgeWithin(task);
  const std::lock_guard lock(mutex_);
  judging_ = false;
  return verdict;
}

Result<CodeVerdict> ProgramRunner::Impl::JudgeWithin(const CodeTask& task) {
  if (!task.tests.function.empty()) return JudgeFunction(task);
  std::vector<std::string> arguments;
  auto prepared = Prepare(task, arguments);
  if (!prepared) return tl::unexpected(prepared.error());
  if (*prepared) return **prepared;
  return JudgeInput(task, arguments);
}

Result<std::optional<CodeVerdict>> ProgramRunner::Impl::Prepare(const CodeTask& task,
                                                                std::vector<std::string>& arguments) {
  if (task.language == Language::kCpp) return PrepareCpp(task, arguments);
  if (Status staged = StageScript(task, StdinScript(task.code)); !staged)
    return tl::unexpected(staged.error());
  arguments = ScriptCall(task);
  return std::optional<CodeVerdict>();
}

Status ProgramRunner::Impl::StageScript(const CodeTask& task, std::string script) {
  const std::string& interpreter = InterpreterOf(task);
  if (access(interpreter.c_str(), X_OK) != 0) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no interpreter at {}: sudo apt-get install {}", interpreter,
                            task.language == Language::kPyPy ? "pypy3" : "python3"));
  }
  return Stage({{"main.py", task.code}, {"run.py", std::move(script)}});
}

Result<std::optional<CodeVerdict>> ProgramRunner::Impl::PrepareCpp(const CodeTask& task,
                                                                   std::vector<std::string>& arguments) {
  std::string program = compiler_.Kept(task.code);
  if (program.empty()) {
    const auto header = compiler_.HeaderFolder(options_.box);
    if (!header) return tl::unexpected(header.error());
    if (*header != header_folder_) {
      const std::lock_guard lock(mutex_);
      header_folder_ = *header;
      box_.reset();  // the next one shows it
    }
    if (Status staged = Stage({}); !staged) return tl::unexpected(staged.error());
    auto made = WithBox([&](Box& box) { return compiler_.Compile(box, task.code, header_folder_); });
    if (!made) return tl::unexpected(made.error());
    if (made->program.empty()) {
      return std::optional<CodeVerdict>(
          {.verdict = ProgramVerdict::kCompileError, .reason = std::move(made->message)});
    }
    program = std::move(made->program);
  }
  if (Status staged = Stage({{"program", std::move(program), true}}); !staged)
    return tl::unexpected(staged.error());
  arguments = {box_->work_folder() + "/program"};
  return std::optional<CodeVerdict>();
}

Result<bool> ProgramRunner::Impl::PythonCompiles(const CodeTask& task, std::string& message) {
  constexpr const char* kCompile =
      "import sys; compile(open(sys.argv[1], 'rb').read(), 'main.py', 'exec', dont_inherit=True)";
  const auto end = Run(
      {.arguments = {InterpreterOf(task), "-I", "-B", "-S", "-c", kCompile, box_->work_folder() + "/main.py"},
       .limits = {.memory = task.limits.memory}});
  if (!end) return tl::unexpected(end.error());
  message = LastLine(end->error);
  return end->exit_status == 0 && end->signal == 0;
}

Result<CodeVerdict> ProgramRunner::Impl::JudgeInput(const CodeTask& task,
                                                    const std::vector<std::string>& arguments) {
  CodeVerdict all;
  for (size_t i = 0; i < task.tests.tests.size(); ++i) {
    const CodeTest& test = task.tests.tests[i];
    const BoxCommand command{.arguments = arguments,
                             .input = test.input,
                             .limits = {.cpu = Scaled(task.limits.cpu, kNearLimit),
                                        .wall = WallOf(task.limits.cpu),
                                        .memory = task.limits.memory,
                                        .output = task.limits.output,
                                        .stack = std::min<uint64_t>(task.limits.memory, 256 << 20)}};
    const auto end = RunFairly(command, task.limits, all.ran_again);
    if (!end) return tl::unexpected(end.error());
    auto verdict = VerdictWithoutOutput(*end, task.limits);
    if (!verdict) {
      OutputVerdict compared = CompareOutput(end->output, test.expected, task.rule);
      if (!compared.right) {
        verdict = CodeVerdict{.verdict = ProgramVerdict::kWrongAnswer, .reason = std::move(compared.reason)};
      }
    }
    all.cpu_max = std::max(all.cpu_max, end->cpu);
    all.wall_max = std::max(all.wall_max, end->wall);
    all.memory_max = std::max(all.memory_max, end->memory_peak);
    all.tests_run = i + 1;
    if (!verdict) continue;
    all.verdict = verdict->verdict;
    all.reason = std::move(verdict->reason);
    all.test = static_cast<int>(i);
    all.output = end->output.substr(0, kOutputShown);
    std::string message;
    if (i == 0 && all.verdict == ProgramVerdict::kRuntimeError && task.language != Language::kCpp) {
      const auto compiles = PythonCompiles(task, message);
      if (!compiles) return tl::unexpected(compiles.error());
      if (!*compiles) all.verdict = ProgramVerdict::kCompileError;
    }
    return all;
  }
  return all;
}

Result<CodeVerdict> ProgramRunner::Impl::JudgeFunction(const CodeTask& task) {
  if (task.language == Language::kCpp) {
    return Fail(ErrorCode::kInvalidArgument, "functions are judged in Python, and the program is C++");
  }
  nlohmann::json inputs = nlohmann::json::array();
  for (size_t i = 0; i < task.tests.tests.size(); ++i) {
    if (!AreJsonLines(task.tests.tests[i].input)) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("test {}: its input is not one JSON value a line", i + 1));
    }
    inputs.push_back(task.tests.tests[i].input);
  }
  const double seconds_max = SecondsOf(Scaled(task.limits.cpu, kNearLimit));
  if (Status staged = StageScript(task, FunctionScript(task.code, task.tests.function, seconds_max)); !staged)
    return tl::unexpected(staged.error());
  const std::string input = inputs.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  const auto count = static_cast<int>(task.tests.tests.size());
  const BoxCommand command{.arguments = ScriptCall(task),
                           .input = input,
                           .limits = {.cpu = Scaled(task.limits.cpu, kNearLimit) * count + seconds(1),
                                      .wall = WallOf(task.limits.cpu) * count,
                                      .memory = task.limits.memory,
                                      .output = task.limits.output,
                                      .stack = std::min<uint64_t>(task.limits.memory, 256 << 20)},
                           .quiet_max = WallOf(task.limits.cpu)};
  bool ran_again = false;
  Result<BoxEnd> end = Fail(ErrorCode::kBackend, "");
  {
    const std::shared_lock lock(beside_);
    end = Run(command);
  }
  if (end && end->cut == BoxCut::kWall && options_.looks_twice) {
    const std::unique_lock lock(beside_);
    ran_again = true;
    end = Run(command);
  }
  if (!end) return tl::unexpected(end.error());
  auto verdict = OfFunction(task, *end);
  if (verdict) verdict->ran_again = ran_again;
  return verdict;
}

Result<CodeVerdict> ProgramRunner::Impl::OfFunction(const CodeTask& task, const BoxEnd& end) {
  const std::vector<FunctionResult> results = ResultsOf(end.output);
  CodeVerdict all{.wall_max = end.wall, .memory_max = end.memory_peak};
  const auto fail = [&](ProgramVerdict verdict, std::string reason, size_t test) {
    all.verdict = verdict;
    all.reason = std::move(reason);
    all.test = static_cast<int>(test);
    return all;
  };
  const std::string too_long = fmt::format("more than {} s of CPU time", SecondsOf(task.limits.cpu));
  for (size_t i = 0; i < task.tests.tests.size(); ++i) {
    all.tests_run = i + 1;
    if (i >= results.size()) {
      // SIGPROF: the script's timer, if so much time was spent.
      if (end.signal == SIGPROF && end.cpu >= task.limits.cpu)
        return fail(ProgramVerdict::kTimeLimit, too_long, i);
      CodeLimits limits = task.limits;
      limits.cpu = nanoseconds::max() / 4;
      if (end.cut == BoxCut::kCpu || end.cut == BoxCut::kWall) limits.cpu = task.limits.cpu;
      auto verdict = VerdictWithoutOutput(end, limits);
      std::string message;
      if (!verdict) return fail(ProgramVerdict::kRuntimeError, "it ended without a value", i);
      if (i == 0 && verdict->verdict == ProgramVerdict::kRuntimeError) {
        const auto compiles = PythonCompiles(task, message);
        if (!compiles) return tl::unexpected(compiles.error());
        if (!*compiles) verdict->verdict = ProgramVerdict::kCompileError;
      }
      return fail(verdict->verdict, std::move(verdict->reason), i);
    }
    const FunctionResult& result = results[i];
    all.cpu_max = std::max(all.cpu_max, result.cpu);
    if (result.cpu > task.limits.cpu) return fail(ProgramVerdict::kTimeLimit, too_long, i);
    if (result.value == "!") return fail(ProgramVerdict::kWrongAnswer, "the value is none of JSON's", i);
    auto compared = CompareValues(result.value, task.tests.tests[i].expected);
    if (!compared) return tl::unexpected(compared.error());
    if (compared->right) continue;
    all.output = result.value.substr(0, kOutputShown);
    return fail(ProgramVerdict::kWrongAnswer, std::move(compared->reason), i);
  }
  return all;
}

ProgramRunner::ProgramRunner(RunnerOptions options, FairMutex& beside)
    : impl_(std::make_unique<Impl>(std::move(options), beside)) {}
ProgramRunner::~ProgramRunner() = default;
ProgramRunner::ProgramRunner(ProgramRunner&&) noexcept = default;

Result<CodeVerdict> ProgramRunner::Judge(const CodeTask& task) { return impl_->Judge(task); }
void ProgramRunner::Interrupt() { impl_->Interrupt(); }
Result<SandboxLevel> ProgramRunner::Level() { return impl_->Level(); }

}  // namespace tessy
