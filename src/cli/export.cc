#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/job_display.h"
#include "cli/setting_flags.h"
#include "job/export_job.h"

namespace tessy {
namespace {

struct ExportFlags {
  ExportOptions options;
  MessageOptions messages;
  std::vector<std::string> files;  // responses, or one run file
};

int Conclude(const ExportResult& result, const std::string& out) {
  if (result.interrupted) {
    Say(fmt::format("{}: interrupted, nothing was written; the same command starts over\n", out));
    return kExitInterrupted;
  }
  std::string files;
  for (const std::string& file : result.files) files += (files.empty() ? "" : ", ") + file;
  Say(fmt::format("{}: {}\n", out, files));
  return kExitDone;
}

Result<int> Export(const ExportFlags& flags) {
  auto display = JobDisplay::Open(flags.messages);
  if (!display) return tl::unexpected(display.error());
  const auto result = ExportJob(flags.options, display->Events(), {.on_signals = true}).Run();
  display->Close();
  if (!result) return tl::unexpected(result.error());
  if (!result->interrupted) {
    if (auto status = WriteOutput(Describe(*result)); !status) return tl::unexpected(status.error());
  }
  return Conclude(*result, flags.options.out);
}

// What stands without a flag: responses, or the run file.
std::string TakeFiles(ExportFlags& flags) {
  if (flags.files.size() == 1 && flags.files.front().ends_with(".toml")) return flags.files.front();
  flags.options.responses.insert(flags.options.responses.end(), flags.files.begin(), flags.files.end());
  return "";
}

}  // namespace

void AddExportCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("export", "training sets and recipes for trainers, from responses");
  auto flags = std::make_shared<ExportFlags>();
  Settings settings = ExportSettings(flags->options);
  // An export has no bar: it says every ten seconds how far it is.
  settings.push_back(*FindSetting(MessageSettings(flags->messages), "log-level"));
  command->add_option("FILE", flags->files, "responses, as --responses; or one run.toml with the flags below")
      ->option_text(" ");
  AddSettings(*command, settings);
  ShowNeeded(*command, settings, "");
  command->footer(
      "Examples:\n"
      "  tessy export responses.jsonl --format trl --template-of student.gguf --out set\n"
      "  tessy export responses.jsonl --format ms-swift --template-of student.gguf --style-weight 0.5 --out "
      "set\n\n"
      "The folder is there whole or not at all, and nothing is written over. Exit status: 0 done; 1 usage,\n"
      "configuration, or no row was left; 3 interrupted.");
  command->callback([command, flags, settings, &context] {
    const std::string run_file = TakeFiles(*flags);
    if (auto given = ApplyRunFile(*command, settings, run_file); !given) return Finish(context, given);
    const auto status = Export(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
