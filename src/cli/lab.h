#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

// `tessy lab`: the paper in miniature: a world to learn, models that have learnt nothing, and the whole
// experiment.
void AddLabCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
