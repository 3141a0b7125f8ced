#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/command.h"
#include "job/common_settings.h"
#include "job/train_settings.h"

namespace tessy {

// How a training's progress and result are shown.
struct TrainMessages {
  MessageOptions shown;
  bool json = false;
};

// The functions that do the work of `tessy train`; each returns the exit status.
struct TrainRunners {
  std::function<Result<int>(const TrainBoundaryOptions&, const TrainMessages&)> boundary;
  std::function<Result<int>(const TrainSftOptions&, const TrainMessages&)> sft;
};

void AddTrainCommand(CLI::App& app, CommandContext& context, const TrainRunners& runners);

// The runners of `tessy`, which is not linked with libtorch (to load it takes most of a second): the program
// `tessy-train` beside it takes over this process, with the same arguments.
TrainRunners HandOver(const CommandContext& context);

}  // namespace tessy
