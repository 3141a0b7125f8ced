#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// The values that a command returns to main. Every command is one file that offers AddXCommand(CLI::App&,
// CommandContext&); its callback runs while the arguments are parsed.
struct CommandContext {
  int exit_status = 0;
  const char* const* argv = nullptr;  // as the program got them; set by RunProgram
};

// Writes to standard error. A closed terminal is no reason to stop.
void Say(std::string_view text);

// "tessy: message" on standard error, in one line that is safe to print whatever the message quotes, and of
// at most some 3,000 bytes.
void ReportError(const Error& error);

// Reports what stopped a run, and says so where it can be gone on with; the exit status that belongs to it.
int ReportStopped(const Error& error, bool is_kept);

// For the end of a command: reports a failure and sets the exit status, 4 where a server does not answer,
// else 1.
void Finish(CommandContext& context, const Status& status);

// Results go to standard output; a full disk, a closed pipe or a standard output that is closed is an error
// like any other.
Status WriteOutput(std::string_view text);

// Log lines go to standard error, from this level on ("debug", "info", "warning", "error"); each is one line,
// and as safe to print as an error.
void SetLogLevel(const std::string& level);

bool OutputIsTerminal();
// True if standard output may be coloured: on a terminal, unless NO_COLOR is set (https://no-color.org).
bool OutputHasColour();
bool AllowsColour(bool is_terminal, const char* no_color, const char* terminal);

// Parses the arguments, which runs the command, and gives the exit status. A usage error is one line on
// standard error, and so is an exception that nobody caught, with exit status 1.
int RunProgram(CLI::App& app, CommandContext& context, int argc, const char* const* argv);

}  // namespace tessy
