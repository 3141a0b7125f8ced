#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command.h"

namespace tessy {

// The manual page of a command in the language of man(7), from the flags that the program parses by. `name`
// is the program with the command's path ("tessy train sft"). Pure.
std::string ManualPage(const CLI::App& command, const std::string& name, const std::string& version);

// `tessy man [COMMAND…]`: the manual page of the program or of a command on standard output.
void AddManCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
