#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.h"

namespace tessy {

// Reads a run's TOML file into the command's options: every key is the name of a flag ("top-p", or "top_p"),
// and what was given on the command line wins. Errors name file, line and key.
Status ApplyRunFile(CLI::App& command, const std::string& path);

}  // namespace tessy
