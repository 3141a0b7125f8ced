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

// `tessy train`, with the functions that do its work. That of `tessy` (cli/commands.h), which is not linked
// with libtorch (to load it takes most of a second), lets the program `tessy-train` beside it take over the
// process, with the same arguments.
void AddTrainCommand(CLI::App& app, CommandContext& context, const TrainRunners& runners);

}  // namespace tessy
