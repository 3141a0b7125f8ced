#include "eval/eval_job.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/job_display.h"
#include "cli/setting_flags.h"
#include "cli/synth.h"
#include "eval/benchmark_report.h"
#include "eval/compare_runs.h"
#include "judge/compiler.h"
#include "judge/sandbox_check.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct CompareFlags {
  std::string a;
  std::string b;
  bool json = false;
};

struct EvalFlags {
  EvalOptions options;
  MessageOptions messages;
  std::string run_file;
  bool json = false;
  bool check_sandbox = false;
};

Json ToJson(const Grade& grade) {
  return {{"pass_at_1", grade.pass_at_1}, {"low", grade.low},         {"high", grade.high},
          {"right", grade.right},         {"samples", grade.samples}, {"questions", grade.questions},
          {"missing", grade.missing}};
}

std::string Row(const std::string& name, const Grade& grade) {
  return fmt::format("{:<24} {:>6.1f} %   {:>5.1f} … {:>5.1f}   {} of {} samples right, {} questions{}\n",
                     name, 100 * grade.pass_at_1, 100 * grade.low, 100 * grade.high, grade.right,
                     grade.samples, grade.questions,
                     grade.missing > 0 ? fmt::format(", {} missing", grade.missing) : "");
}

std::string Describe(const BenchmarkReport& report, const EvalFlags& flags) {
  return flags.json ? ReportJson(report) : ReportText(report);
}

std::string Describe(const Graded& graded, const EvalFlags& flags) {
  if (flags.json) {
    const EvalOptions& options = flags.options;
    Json json{{"model", options.model.empty() ? options.responses : options.model},
              {"all", ToJson(graded.all)},
              {"groups", Json::object()}};
    for (const auto& [name, grade] : graded.groups) json["groups"][name] = ToJson(grade);
    json["verdicts"] = Json::array();
    for (const SampleVerdict& verdict : graded.verdicts)
      json["verdicts"].push_back(Json::parse(ToJsonLine(verdict)));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  std::string text = fmt::format("{:<24} {:>8}   95 % interval\n", "", "pass@1");
  for (const auto& [name, grade] : graded.groups) text += Row(name, grade);
  return text + Row("all", graded.all);
}

Result<int> Evaluate(const EvalFlags& flags) {
  auto display = JobDisplay::Open(flags.messages);
  if (!display) return tl::unexpected(display.error());
  auto result = EvalJob(flags.options, display->Events(), {.on_signals = true}).Run();
  display->Close();
  if (!result) return tl::unexpected(result.error());
  const int asked = result->asked ? Conclude(*result->asked) : kExitDone;
  if (!result->graded) return asked;
  const std::string text =
      result->report ? Describe(*result->report, flags) : Describe(*result->graded, flags);
  if (auto status = WriteOutput(text); !status) return tl::unexpected(status.error());
  return kExitDone;
}

Status Compare(const CompareFlags& flags) {
  const auto comparison = CompareRuns(flags.a, flags.b);
  if (!comparison) return tl::unexpected(comparison.error());
  return WriteOutput(flags.json ? ComparisonJson(*comparison) : ComparisonText(*comparison));
}

void AddCompareCommand(CLI::App& eval, CommandContext& context) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = eval.add_subcommand("compare", "two evaluations of the same problems, side by side");
  command->footer(
      "Each is a file of responses that was evaluated, or its verdicts.jsonl. Problems that only one has are "
      "left "
      "out.\n\nExample:\n  tessy eval compare before.jsonl after.jsonl");
  command->add_option("A", flags->a, "the first")->option_text(" ")->required();
  command->add_option("B", flags->b, "the second")->option_text(" ")->required();
  command->add_flag("--json", flags->json, "as JSON")->option_text(" ");
  command->callback([flags, &context] { Finish(context, Compare(*flags)); });
}

// What is tried is told at once, since some attacks take their time.
Status TrySandbox() {
  const auto tell = [](const AttackResult& result) {
    const std::string end = !result.is_tried    ? "not tried: " + result.reason
                            : result.is_allowed ? "as it should"
                                                : "NOT ALLOWED: " + result.reason;
    (void)WriteOutput(fmt::format("{:<10} {:<34} {:<7} {:<4} {}\n", result.id, result.name, result.language,
                                  result.verdict, end));
  };
  const auto check = CheckSandbox({.cache_folder = CompilerCacheFolder()}, tell);
  if (!check) return tl::unexpected(check.error());
  const auto conclusion = ConclusionOf(*check);
  if (!conclusion) return tl::unexpected(conclusion.error());
  return WriteOutput(*conclusion + "\n");
}

}  // namespace

void AddEvalCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("eval", "pass@1 on benchmarks, and on problems with short answers");
  auto flags = std::make_shared<EvalFlags>();
  flags->messages.log_level = "error";  // that samples fail is in the result
  Settings settings = EvalSettings(flags->options);
  settings.push_back(
      {.key = "json", .value = &flags->json, .help = "the result as JSON", .group = "Input and output"});
  settings.push_back(
      {.key = "check-sandbox",
       .value = &flags->check_sandbox,
       .help =
           "nothing is graded: names the level of the sandbox that this machine grants, and tries hostile "
           "programs in it",
       .group = "Input and output"});
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  ShowNeeded(*command, settings,
             "--questions FILE, or --benchmark NAME with --data FOLDER, says what is asked; --model MODEL "
             "with --out "
             "FILE, or --responses FILE, what is graded.");
  command->footer(
      "An answer is a number, an expression, several of them, an interval, a choice (A … J) or words; the "
      "question's \"answer\" says which. It is looked for in a \\boxed{…}, then in what \"the answer is\" or "
      "bold "
      "type names. Each sample's verdict is in OUT.run/verdicts.jsonl.\n\n"
      "Example:\n"
      "  tessy eval --model tuned.gguf --questions q.jsonl --samples 4 --out evaluation.jsonl\n"
      "  tessy eval --model tuned.gguf --benchmark aime2025 --data aime --samples 32 --out aime.jsonl\n\n"
      "Exit status: 0 done; 1 usage or configuration; 3 interrupted, resumable; 4 a server cannot be "
      "reached.");
  AddCompareCommand(*command, context);
  command->callback([command, flags, settings, &context] {
    if (!command->get_subcommands().empty()) return;
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    if (flags->check_sandbox) return Finish(context, TrySandbox());
    const auto status = Evaluate(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
