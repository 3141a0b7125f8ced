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

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

struct EvalFlags {
  EvalOptions options;
  MessageOptions messages;
  std::string run_file;
  bool json = false;
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
  if (auto status = WriteOutput(Describe(*result->graded, flags)); !status)
    return tl::unexpected(status.error());
  return kExitDone;
}

}  // namespace

void AddEvalCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("eval", "pass@1 on problems with short answers");
  auto flags = std::make_shared<EvalFlags>();
  flags->messages.log_level = "error";  // that samples fail is in the result
  Settings settings = EvalSettings(flags->options);
  settings.push_back(
      {.key = "json", .value = &flags->json, .help = "the result as JSON", .group = "Input and output"});
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  ShowNeeded(*command, settings, "--model MODEL with --out FILE, or --responses FILE, says what is graded.");
  command->footer(
      "An answer is a number, an expression, several of them, an interval, a choice (A … J) or words; the "
      "question's \"answer\" says which. It is looked for in a \\boxed{…}, then in what \"the answer is\" or "
      "bold "
      "type names. Each sample's verdict is in OUT.run/verdicts.jsonl.\n\n"
      "Example:\n"
      "  tessy eval --model tuned.gguf --questions q.jsonl --samples 4 --out evaluation.jsonl\n\n"
      "Exit status: 0 done; 1 usage or configuration; 3 interrupted, resumable; 4 a server cannot be "
      "reached.");
  command->callback([command, flags, settings, &context] {
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    const auto status = Evaluate(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
