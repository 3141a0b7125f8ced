#include "cli/commands.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/exit_status.h"
#include "cli/job_display.h"
#include "cli/setting_flags.h"
#include "job/annotate_job.h"

namespace tessy {
namespace {

struct AnnotateFlags {
  AnnotateOptions options;
  MessageOptions messages;
  std::string run_file;
};

int Conclude(const AnnotateResult& result, const std::string& out) {
  if (!result.status) return ReportStopped(result.status.error(), true);
  std::string line = fmt::format("{}: {} of {} windows annotated", out, result.annotated, result.windows);
  if (result.window_bytes > 0) {
    line += fmt::format(", {:.1f} % of their text is style", 100.0 * static_cast<double>(result.style_bytes) /
                                                                 static_cast<double>(result.window_bytes));
  }
  for (const auto& [reason, count] : result.rejected) line += fmt::format("; {} {}", count, reason);
  if (result.interrupted) line += "; interrupted, the same command goes on";
  Say(line + "\n");
  if (result.interrupted) return kExitInterrupted;
  return result.annotated == 0 ? kExitSomeFailed : kExitDone;
}

Result<int> Annotate(const AnnotateFlags& flags) {
  auto display = JobDisplay::Open(flags.messages);
  if (!display) return tl::unexpected(display.error());
  const auto result = AnnotateJob(flags.options, display->Events(), {.on_signals = true}).Run();
  display->Close();
  if (!result) return tl::unexpected(result.error());
  return Conclude(*result, flags.options.out);
}

}  // namespace

void AddAnnotateCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("annotate", "mark style spans, for training boundary predictors");
  auto flags = std::make_shared<AnnotateFlags>();
  Settings settings = AnnotateSettings(flags->options);
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  ShowNeeded(*command, settings, "");
  command->footer(
      "Examples:\n"
      "  tessy annotate --responses student.jsonl --annotator teacher.gguf --out style.jsonl\n"
      "  tessy annotate --responses student.jsonl --annotator http://localhost:8000/v1#model --out "
      "style.jsonl\n"
      "  tessy annotate --responses student.jsonl --annotator lexicon --out style.jsonl\n\n"
      "A server's key is taken from TESSY_ANNOTATOR_API_KEY, or TESSY_API_KEY.\n"
      "A model's answer that cannot be used is shown to it once more; windows that come to nothing are in\n"
      "OUT.run/rejected.jsonl, with reasons. Exit status: 0 done; 1 usage or configuration; 2 no window was\n"
      "annotated; 3 interrupted, resumable; 4 a server cannot be reached.");
  command->callback([command, flags, settings, &context] {
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    const auto status = Annotate(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
