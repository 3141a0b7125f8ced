#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

// `tessy eval`: pass@1 of a model on problems whose answers can be compared.
void AddEvalCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
