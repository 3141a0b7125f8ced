#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

// `tessy model convert`: a model's weights from a .gguf file to Hugging Face's layout, or back.
void AddConvertCommand(CLI::App& model, CommandContext& context);

}  // namespace tessy
