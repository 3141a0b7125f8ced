#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

// `tessy lab run`: every stage is a command of this program; what is done is not done again.
void AddLabRunCommand(CLI::App& lab, CommandContext& context);

}  // namespace tessy
