#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "job/settings.h"

namespace tessy {

// Declares a flag for every setting of the table, with its help, range, group and default. What is typed is
// assigned while the arguments are parsed, so the options struct of the table must outlive the command.
void AddSettings(CLI::App& command, const Settings& settings);

// Says in the first lines of the command's help which flags everybody needs: those of the required settings,
// then `more`, which may be empty.
void ShowNeeded(CLI::App& command, const Settings& settings, const std::string& more);

// Declares the argument "run.toml", for ApplyRunFile.
void AddRunFileArgument(CLI::App& command, std::string& path);

// Reads the run file, if one is named, into the settings; flags that were typed win, and so does the setting
// `given`, which was typed without its flag.
Status ApplyRunFile(const CLI::App& command, const Settings& settings, const std::string& path,
                    std::string_view given = {});

}  // namespace tessy
