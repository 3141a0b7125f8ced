#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "job/common_settings.h"
#include "model/sampling.h"

namespace tessy {

// Flags that commands share which have no table of their own.

void AddMessageFlags(CLI::App& command, MessageOptions& options);
// --temperature, --top-p and --top-k.
void AddSamplingFlags(CLI::App& command, Sampling& sampling);
// --threads, --gpu-layers and --memory, of engines in process.
void AddMachineFlags(CLI::App& command, MachineOptions& options);
void AddServerFlags(CLI::App& command, ServerOptions& options);

}  // namespace tessy
