#pragma once

#include <string>
#include <vector>

#include "program.h"

namespace tessy {

// The commands that a document shows in indented blocks, in their order: lines that begin with `tessy` or
// `make`, each with the lines that it goes on in. Blocks between fences are passed over.
std::vector<std::string> TypedCommands(const std::string& markdown);

// Makes the folder, with the program in it as bin/tessy.
void MakeReadersFolder(const std::string& folder);

// Runs a command in such a folder as a reader would type it, by bash.
ProgramResult RunTyped(const std::string& command, const std::string& folder);

// A build without libtorch skips training and every command that depends on its results; one with it skips
// nothing. To be asked about all commands, in their order.
class Untrained {
 public:
  bool Covers(const std::string& command);

 private:
  std::vector<std::string> files_;
};

}  // namespace tessy
