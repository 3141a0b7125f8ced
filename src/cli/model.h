#pragma once

#include "cli/command.h"

namespace tessy {

// `tessy model`: what a model file holds.
void AddModelCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
