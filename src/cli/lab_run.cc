#include "cli/lab_run.h"

#include <fmt/format.h>

#include <memory>

#include "base/numbers.h"
#include "cli/exit_status.h"
#include "cli/validators.h"
#include "lab/experiment.h"

namespace tessy {
namespace {

Result<int> RunLab(const LabOptions& options) {
  const auto outcome = RunLabExperiment(options, [](const StagesBegun& begun) {
    Say(fmt::format("[{:>6}] {} ({})\n", Duration(begun.seconds), begun.title,
                    Counted(begun.commands, "command")));
  });
  if (outcome) {
    const std::string text =
        fmt::format("{}\n{}, {}\n", outcome->table, outcome->report_path, outcome->results_path);
    return WriteOutput(text).map([] { return kExitDone; });
  }
  if (outcome.error().code != ErrorCode::kCancelled) return tl::unexpected(outcome.error());
  Say(fmt::format("{}: {}\n", options.out, outcome.error().message));
  return kExitInterrupted;
}

}  // namespace

void AddLabRunCommand(CLI::App& lab, CommandContext& context) {
  CLI::App* command = lab.add_subcommand("run", "the whole experiment: a table, and a page to look at");
  auto options = std::make_shared<LabOptions>();
  command->add_option("--out", options->out, "folder; the same command goes on in it")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "fine-tunings of each kind")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--quick", options->quick,
                    "from the shipped pair, three methods, fewer problems and steps");
  command
      ->add_option("--models", options->models, "folder of a student.gguf and a teacher.gguf to start from")
      ->type_name("DIR");
  command->add_option("--world-seed", options->world_seed, "of corpora, problems and new models")
      ->check(WholeNumber())
      ->capture_default_str();
  command->add_option("--jobs", options->jobs, "commands at a time (default: cores)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->footer(
      "Every stage is a command of this program; DIR/done has them as they were run, DIR/logs what they "
      "said.\n\n"
      "Example:\n  tessy lab run --seeds 2 --out lab-run\n\n"
      "Exit status: 0 done; 1 usage, configuration, or a stage that failed; 3 interrupted, resumable.");
  command->callback([options, &context] {
    auto status = RunLab(*options);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

}  // namespace tessy
