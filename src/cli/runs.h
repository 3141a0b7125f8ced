#pragma once

#include "cli/command.h"

namespace tessy {

// tessy runs: which runs there are, and how far each has come.
void AddRunsCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
