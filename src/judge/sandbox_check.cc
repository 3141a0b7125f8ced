#include "judge/sandbox_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "embedded/attacks.h"
#include "judge/python_text.h"

namespace tessy {
namespace {

using nlohmann::json;

CodeTask TaskOf(const json& row, SandboxLevel level) {
  CodeTask task{.code = row["code"],
                .language = row["language"] == "cpp" ? Language::kCpp : Language::kPython};
  task.tests.tests.push_back({row["stdin"], row["expected_output"]});
  task.limits = {.cpu = std::chrono::milliseconds(500), .memory = 256 << 20, .output = 16 << 20};
  // Landlock looks at every folder above a name: thousands of nested ones take the square of their number.
  if (level == SandboxLevel::kC && row.contains("cpu_seconds_at_c"))
    task.limits.cpu = std::chrono::seconds(row["cpu_seconds_at_c"].get<int>());
  return task;
}

AttackResult Try(ProgramRunner& runner, SandboxLevel level, const json& row) {
  AttackResult result{.id = row["id"],
                      .name = row["name"],
                      .language = row["language"],
                      .verdict = "-",
                      .is_allowed = false,
                      .reason = {}};
  auto verdict = runner.Judge(TaskOf(row, level));
  if (!verdict) {
    result.is_tried = verdict.error().code != ErrorCode::kNotFound;
    result.reason = verdict.error().message;
    return result;
  }
  const bool without_groups = level != SandboxLevel::kA && row.contains("expected_without_cgroup");
  const json& allowed = row[without_groups ? "expected_without_cgroup" : "expected"];
  result.verdict = LettersOf(verdict->verdict);
  result.is_allowed = std::find(allowed.begin(), allowed.end(), result.verdict) != allowed.end();
  result.reason = std::move(verdict->reason);
  return result;
}

}  // namespace

Result<SandboxCheck> CheckSandbox(RunnerOptions options,
                                  const std::function<void(const AttackResult&)>& tell) {
  options.looks_twice = false;
  options.compile_max = std::chrono::seconds(15);
  FairMutex beside;
  ProgramRunner runner(std::move(options), beside);
  const auto level = runner.Level();
  if (!level) return tl::unexpected(level.error());
  SandboxCheck check{.level = *level};
  for (const std::string_view line : PythonLines(embedded::attacks::kAttacksJsonl)) {
    if (line.empty()) continue;
    const AttackResult result = Try(runner, *level, json::parse(line));
    ++(!result.is_tried ? check.not_tried : result.is_allowed ? check.allowed : check.not_allowed);
    tell(result);
  }
  return check;
}

Result<std::string> ConclusionOf(const SandboxCheck& check) {
  const std::string_view level = NameOf(check.level);
  if (check.not_allowed > 0) {
    return Fail(ErrorCode::kBackend,
                fmt::format("sandbox of level {}: {} hostile programs got a verdict that they should not",
                            level, check.not_allowed));
  }
  if (check.allowed == 0) {
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("sandbox of level {}: no hostile program was tried: sudo apt-get install python3 g++",
                    level));
  }
  return fmt::format("the sandbox is of level {}, and holds: {} hostile programs, {} not tried", level,
                     check.allowed, check.not_tried);
}

}  // namespace tessy
