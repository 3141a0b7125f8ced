#pragma once

#include "cli/command.h"

namespace tessy {

// `tessy synth`: makes responses for questions.
void AddSynthCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
