#include "job/select_job.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/job_display.h"
#include "cli/setting_flags.h"

namespace tessy {
namespace {

struct SelectFlags {
  SelectOptions options;
  MessageOptions messages;
  std::vector<std::string> arguments;  // sources, and the run file

  // The run file among the arguments; the others become sources.
  std::string TakeArguments() {
    std::string run_file;
    for (const std::string& argument : arguments) {
      if (argument.ends_with(".toml")) {
        run_file = argument;
      } else {
        options.sources.push_back(argument);
      }
    }
    return run_file;
  }
};

std::string Describe(const SelectResult& result) {
  std::string text = fmt::format("{:<20} {:>14} {:>14}\n", "", "rows", "questions");
  for (const SelectStage& stage : result.stages) {
    const std::string name = (stage.is_rejection ? "  - " : "") + stage.name;
    text += fmt::format("{:<20} {:>14}", name, WithThousands(stage.rows));
    if (stage.questions > 0) text += fmt::format(" {:>14}", WithThousands(stage.questions));
    text += '\n';
  }
  return text;
}

Result<int> Select(const SelectFlags& flags) {
  auto display = JobDisplay::Open(flags.messages);
  if (!display) return tl::unexpected(display.error());
  JobEvents events = display->Events();
  if (flags.messages.progress == "none") events.notice = {};
  const auto result = SelectJob(flags.options, events, {.on_signals = true}).Run();
  display->Close();
  if (!result) return tl::unexpected(result.error());
  if (result->interrupted) {
    const std::string kept =
        result->decided == 0
            ? "and the same command starts over"
            : fmt::format("{} of the teacher {} kept, and the same command goes on",
                          Counted(result->decided, "decision"), result->decided == 1 ? "is" : "are");
    Say("interrupted; nothing was written, " + kept + "\n");
    return kExitInterrupted;
  }
  if (auto status = WriteOutput(Describe(*result)); !status) return tl::unexpected(status.error());
  if (result->undecided == 0) return kExitDone;
  Say(fmt::format("{} left out, because no decision came; --fresh --retry-failed all asks about them again\n",
                  Counted(result->undecided, "question")));
  return kExitSomeFailed;
}

}  // namespace

void AddSelectCommand(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("select", "choose questions from source data");
  auto flags = std::make_shared<SelectFlags>();
  Settings settings = SelectSettings(flags->options);
  InsertBefore(settings, "Servers", MessageSettings(flags->messages));
  command->add_option("SOURCE", flags->arguments, "the same as --source; what ends in .toml is a run file");
  AddSettings(*command, settings);
  ShowNeeded(*command, settings, "");
  command->footer(
      "Examples:\n"
      "  tessy select OpenThoughts3/data --out questions.jsonl --distinct 37000 --rows 80000\n"
      "  tessy select 'ocr2/*.parquet' --lookup taco=TACO --lookup code_contests=CC --out q.jsonl\n"
      "  tessy select data/ --decontaminate livecodebench.jsonl --out q.jsonl --dry-run 1000\n"
      "  tessy select data/ --teacher http://localhost:8000/v1#model --distinct 37000 --out q.jsonl\n\n"
      "Rows that ask the same are one question, with their places in \"origins\". What is left out stands "
      "in\n"
      "OUT.run/rejected.jsonl, with the reason. A teacher's decisions are kept one by one, and nothing is\n"
      "asked twice; a server's key is taken from TESSY_TEACHER_API_KEY, or TESSY_API_KEY. Exit status: 0\n"
      "done; 1 usage or configuration; 2 done, but some questions have no decision; 3 interrupted; 4 a "
      "server\n"
      "cannot be reached.");
  command->callback([command, flags, settings, &context] {
    const std::string run_file = flags->TakeArguments();
    const std::string_view typed = flags->options.sources.empty() ? "" : "source";
    if (auto given = ApplyRunFile(*command, settings, run_file, typed); !given) return Finish(context, given);
    const auto status = Select(*flags);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
