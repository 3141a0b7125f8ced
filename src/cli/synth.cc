#include "cli/synth.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/numbers.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/job_display.h"
#include "cli/setting_flags.h"
#include "job/synth_job.h"
#include "job/synth_settings.h"

namespace tessy {
namespace {

void SayLine(const std::string& line) { Say(line + "\n"); }

// Where nothing was thought, thinking is not counted.
std::string DescribeSamples(const SampleStats& totals, double samples) {
  const auto thinking = static_cast<double>(totals.thinking_tokens());
  if (thinking == 0) {
    return fmt::format("a sample: {:.1f} answer tokens", static_cast<double>(totals.answer_tokens) / samples);
  }
  return fmt::format(
      "a sample: {:.1f} thinking tokens, {:.1f} switches; teacher's share {:.3f}; {} of {} drafted tokens "
      "discarded",
      thinking / samples, static_cast<double>(totals.switches) / samples,
      static_cast<double>(totals.teacher_tokens) / thinking, totals.discarded_tokens, totals.drafted_tokens);
}

// What the file holds now, in one line.
void SayTotals(const SynthResult& result) {
  if (result.out.empty()) return;
  if (!result.totals)
    return SayLine(fmt::format("{}: {}", result.out, Counted(result.responses, "response")));
  if (result.responses == 0) return;
  const auto& totals = *result.totals;
  const auto& progress = result.progress;
  SayLine(fmt::format(
      "{}: {}; {}; {:.0f} tokens/s{}{}", result.out, Counted(result.responses, "response"),
      DescribeSamples(totals, static_cast<double>(result.responses)),
      progress.seconds > 0 ? static_cast<double>(progress.counters.tokens) / progress.seconds : 0.0,
      progress.counters.recalled > 0
          ? fmt::format("; {} taken over", Counted(progress.counters.recalled, "token"))
          : "",
      totals.wrong_candidates > 0 ? fmt::format("; {} wrong candidates dropped", totals.wrong_candidates)
                                  : ""));
}

}  // namespace

int Conclude(const SynthResult& result) {
  const bool keeps = !result.out.empty();
  if (!result.status) return ReportStopped(result.status.error(), keeps);
  SayTotals(result);
  const RunProgress& progress = result.progress;
  if (result.interrupted) {
    SayLine(fmt::format("interrupted: {} of {} samples are finished{}", progress.done + progress.failed,
                        progress.samples, keeps ? "; the same command goes on" : ""));
    return kExitInterrupted;
  }
  if (progress.failed == 0) return kExitDone;
  SayLine(fmt::format("{} of {} samples failed for good{}", progress.failed, progress.samples,
                      keeps ? "; reasons are in " + result.failures_path : ""));
  return kExitSomeFailed;
}

namespace {

struct SynthFlags {
  SynthOptions options;
  MessageOptions messages;
  std::string run_file;
};

Result<int> Synthesise(const SynthOptions& options, const MessageOptions& messages) {
  auto display = JobDisplay::Open(messages);
  if (!display) return tl::unexpected(display.error());
  JobEvents events = display->Events();
  const bool prints = (options.out.empty() && options.run_folder.empty()) || options.out == "-";
  if (prints) {
    events.finished = [](const JobItem& item) {
      return item.done ? WriteOutput(std::string(item.line) + "\n") : Status();
    };
  }
  auto result = SynthJob(options, events, {.on_signals = true}).Run();
  display->Close();
  return std::move(result).map(&Conclude);
}

}  // namespace

void AddSynthCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("synth", "make fine-tuning data: a response for every question");
  auto flags = std::make_shared<SynthFlags>();
  Settings settings = SynthSettings(flags->options);
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  AddRunFileArgument(*command, flags->run_file);
  AddSettings(*command, settings);
  ShowNeeded(*command, settings,
             "With --out FILE the responses are kept in a file, and an interrupted run goes on.");
  command->footer(
      "Examples:\n"
      "  tessy synth --questions q.jsonl --student S.gguf --teacher T.gguf \\\n"
      "    --student-boundary BS.gguf --teacher-boundary BT.gguf --out responses.jsonl\n"
      "  tessy synth run.toml --limit 10\n\n"
      "Exit status: 0 done; 1 usage or configuration; 2 some samples failed for good; 3 interrupted, "
      "resumable; 4 a server cannot be reached.");
  command->callback([command, flags, settings, &context] {
    if (auto given = ApplyRunFile(*command, settings, flags->run_file); !given) return Finish(context, given);
    const auto status = Synthesise(flags->options, flags->messages);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
