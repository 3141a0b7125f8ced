#include "cli/common_flags.h"

#include "cli/setting_flags.h"

namespace tessy {

void AddMessageFlags(CLI::App& command, MessageOptions& options) {
  AddSettings(command, MessageSettings(options));
}

void AddSamplingFlags(CLI::App& command, Sampling& sampling) {
  AddSettings(command, SamplingSettings(sampling));
}

void AddMachineFlags(CLI::App& command, MachineOptions& options) {
  AddSettings(command, MachineSettings(options));
}

void AddServerFlags(CLI::App& command, ServerOptions& options) {
  AddSettings(command, ServerSettings(options));
}

}  // namespace tessy
