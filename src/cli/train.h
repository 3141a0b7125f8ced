#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/command.h"
#include "cli/train_options.h"

namespace tessy {

// Who does the work of `tessy train`; each gives the exit status.
struct TrainRunners {
  std::function<Result<int>(const TrainBoundaryFlags&)> boundary;
  std::function<Result<int>(const TrainSftFlags&)> sft;
};

void AddTrainCommand(CLI::App& app, CommandContext& context, const TrainRunners& runners);

// The runners of `tessy`, which is not linked with libtorch (to load it takes most of a second): the program
// `tessy-train` beside it takes over this process, with the same arguments.
TrainRunners HandOver(const CommandContext& context);

}  // namespace tessy
