#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "model/sampling.h"

namespace tessy {

// Flags that commands share, each with one name, range and help, whichever command has it.

// --progress and --log-level.
void AddMessageFlags(CLI::App& command, std::string& progress, std::string& log_level);
// --temperature, --top-p and --top-k.
void AddSamplingFlags(CLI::App& command, Sampling& sampling);
// --threads, --gpu-layers and --memory, of engines in process.
void AddMachineFlags(CLI::App& command, int& threads, int& gpu_layers, double& memory_gib);

}  // namespace tessy
