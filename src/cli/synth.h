#pragma once

#include "base/error.h"
#include "cli/command.h"

namespace tessy {

struct SynthFlags;

// One run, with its messages on standard error. The exit status.
Result<int> RunSynth(const SynthFlags& flags);

// `tessy synth`: makes responses for questions.
void AddSynthCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
