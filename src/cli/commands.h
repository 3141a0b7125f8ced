#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace tessy {

// The commands of `tessy`. A new one is a file of its own in this folder, declared here and listed in
// kCommands.

void AddSynthCommand(CLI::App& app, CommandContext& context);       // makes responses for questions
void AddSelectCommand(CLI::App& app, CommandContext& context);      // chooses questions
void AddAnnotateCommand(CLI::App& app, CommandContext& context);    // marks style spans
void AddTrainCommand(CLI::App& app, CommandContext& context);       // trains predictors, tunes students
void AddExportCommand(CLI::App& app, CommandContext& context);      // training sets for trainers
void AddEvalCommand(CLI::App& app, CommandContext& context);        // grades a model, or responses
void AddShowCommand(CLI::App& app, CommandContext& context);        // one response, its spans told apart
void AddRunsCommand(CLI::App& app, CommandContext& context);        // the runs that there are
void AddModelCommand(CLI::App& app, CommandContext& context);       // the content of model files
void AddLabCommand(CLI::App& app, CommandContext& context);         // the paper in miniature
void AddCompletionCommand(CLI::App& app, CommandContext& context);  // the script for a shell's completion
void AddManCommand(CLI::App& app, CommandContext& context);         // manual pages

using AddCommand = void (*)(CLI::App& app, CommandContext& context);

// In the order in which the help lists them.
inline constexpr AddCommand kCommands[] = {AddSynthCommand,  AddSelectCommand,     AddAnnotateCommand,
                                           AddExportCommand, AddTrainCommand,      AddEvalCommand,
                                           AddShowCommand,   AddRunsCommand,       AddModelCommand,
                                           AddLabCommand,    AddCompletionCommand, AddManCommand};

}  // namespace tessy
