#pragma once

#include "base/error.h"
#include "cli/command.h"

namespace tessy {

struct MessageOptions;
struct SynthOptions;

// One run, with its messages on standard error. The exit status.
Result<int> RunSynth(const SynthOptions& options, const MessageOptions& messages);

// `tessy synth`: makes responses for questions.
void AddSynthCommand(CLI::App& app, CommandContext& context);

}  // namespace tessy
