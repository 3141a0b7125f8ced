#pragma once

#include "cli/command.h"

namespace tessy {

// tessy show: one response of a file, its spans told apart, in the terminal or as a page.
void AddShowCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
