#include "cli/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/run_file.h"

namespace tessy {
namespace {

constexpr const char* kExitStatus =
    "\n\nThe same command goes on where it was interrupted. Exit status: 0 done; 1 usage or configuration;\n"
    "3 interrupted, resumable.";

template <class Flags>
void AddKind(CLI::App& command, CommandContext& context, std::shared_ptr<Flags> flags,
             std::function<Result<int>(const Flags&)> run) {
  command.callback([&command, flags, run = std::move(run), &context] {
    if (!flags->run_file.empty()) {
      if (auto status = ApplyRunFile(command, flags->run_file); !status) return Finish(context, status);
    }
    SetLogLevel(flags->messages.log_level);
    if (auto status = CheckFlags(*flags); !status) return Finish(context, status);
    auto status = run(*flags);
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
  auto boundary_flags = std::make_shared<TrainBoundaryFlags>();
  AddTrainBoundaryFlags(*boundary, *boundary_flags);
  boundary->footer(
      std::string("Example:\n"
                  "  tessy train boundary --annotations student-style.jsonl --base Qwen3-0.6B-Base.gguf \\\n"
                  "    --out boundary-student.gguf") +
      kExitStatus);
  AddKind(*boundary, context, boundary_flags, runners.boundary);

  CLI::App* sft = command->add_subcommand("sft", "a student, on responses");
  auto sft_flags = std::make_shared<TrainSftFlags>();
  AddTrainSftFlags(*sft, *sft_flags);
  sft->footer(std::string("Example:\n"
                          "  tessy train sft --student student.gguf --responses responses.jsonl \\\n"
                          "    --out tuned.gguf --lora-rank 8") +
              kExitStatus);
  AddKind(*sft, context, sft_flags, runners.sft);
}

TrainRunners HandOver(const CommandContext& context) {
  const auto run = [&context](const auto&) { return ExecuteTrainer(context.argv); };
  return {.boundary = run, .sft = run};
}

}  // namespace tessy
