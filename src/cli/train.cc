#include "cli/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/setting_flags.h"

namespace tessy {
namespace {

constexpr const char* kExitStatus =
    "\n\nThe same command goes on where it was interrupted. Exit status: 0 done; 1 usage or configuration;\n"
    "3 interrupted, resumable.";

template <class Options>
struct Flags {
  Options options;
  TrainMessages messages;
  std::string run_file;
};

Settings SettingsOf(TrainMessages& messages) {
  Settings settings{
      {.key = "json", .value = &messages.json, .help = "the result as JSON", .group = "Input and output"}};
  Append(settings, MessageSettings(messages.shown));
  return settings;
}

template <class Options>
void AddKind(CLI::App& command, CommandContext& context,
             std::function<Result<int>(const Options&, const TrainMessages&)> run) {
  auto flags = std::make_shared<Flags<Options>>();
  Settings settings = TrainSettings(flags->options);
  InsertBefore(settings, "Optimisation", SettingsOf(flags->messages));
  AddRunFileArgument(command, flags->run_file);
  AddSettings(command, settings);
  command.callback([&command, flags, settings, run = std::move(run), &context] {
    if (auto given = ApplyRunFile(command, settings, flags->run_file); !given) return Finish(context, given);
    SetLogLevel(flags->messages.shown.log_level);
    if (auto status = CheckOptions(flags->options); !status) return Finish(context, status);
    auto status = run(flags->options, flags->messages);
    if (!status) return Finish(context, tl::unexpected(status.error()));
    context.exit_status = *status;
  });
}

Result<int> ExecuteTrainer(const char* const* argv) {
  std::error_code status;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", status);
  const std::string path = self.parent_path() / "tessy-train";
  if (!std::filesystem::exists(path, status)) {
    return Fail(
        ErrorCode::kNotFound,
        fmt::format("{} is not there: this build has no training; configure it with -DTESSY_WITH_TORCH=ON",
                    path));
  }
  // Settings of a machine's owner for a processor that this may not be; OpenBLAS finds its own.
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv("OPENBLAS_L2_SIZE");
  execv(path.c_str(), const_cast<char* const*>(argv));
  return Fail(ErrorCode::kIo, fmt::format("{}: cannot be run: {}", path, std::strerror(errno)));
}

}  // namespace

void AddTrainCommand(CLI::App& app, CommandContext& context, const TrainRunners& runners) {
  CLI::App* command = app.add_subcommand("train", "train boundary predictors, fine-tune students");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  tessy train boundary --annotations style.jsonl --base base.gguf --out boundary.gguf\n"
      "  tessy train sft --student student.gguf --responses responses.jsonl --out tuned.gguf");

  CLI::App* boundary = command->add_subcommand("boundary", "a boundary predictor, from annotated windows");
  boundary->footer(
      std::string("Example:\n"
                  "  tessy train boundary --annotations student-style.jsonl --base Qwen3-0.6B-Base.gguf \\\n"
                  "    --out boundary-student.gguf") +
      kExitStatus);
  AddKind(*boundary, context, runners.boundary);

  CLI::App* sft = command->add_subcommand("sft", "a student, on responses");
  sft->footer(std::string("Example:\n"
                          "  tessy train sft --student student.gguf --responses responses.jsonl \\\n"
                          "    --out tuned.gguf --lora-rank 8") +
              kExitStatus);
  AddKind(*sft, context, runners.sft);
}

void AddTrainCommand(CLI::App& app, CommandContext& context) {
  const auto run = [&context](const auto&, const TrainMessages&) { return ExecuteTrainer(context.argv); };
  AddTrainCommand(app, context, {.boundary = run, .sft = run});
}

}  // namespace tessy
