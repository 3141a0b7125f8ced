#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

void AddAnnotateCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
