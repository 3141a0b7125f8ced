#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/command.h"

namespace tessy {

// The values that may follow an option, as far as CLI11's type name tells.
struct CompletionValue {
  enum class Kind {
    kNone,     // numbers, ids: nothing to offer
    kFile,     // FILE, PATH, MODEL, SPEC, GGUF in the type's name, or a plain text
    kFolder,   // DIR in the type's name
    kChoices,  // {a,b,c}: CLI::IsMember
  };
  Kind kind = Kind::kNone;
  std::vector<std::string> choices = {};
};
CompletionValue ValueOfType(std::string_view type_name);

struct CompletionOption {
  std::vector<std::string> names;  // "-h", "--help"; a positional has its one name without dashes
  std::string description;
  bool takes_value = false;
  bool repeats = false;
  CompletionValue value;
};

// A command and all below it, taken from the tree that the program parses by: commands added later complete
// at once.
struct CompletionNode {
  std::string path;  // "model inspect"; empty for the program itself
  std::string name;  // "inspect"
  std::string description;
  std::vector<CompletionOption> options;
  std::vector<CompletionOption> positionals;
  std::vector<CompletionNode> commands;
};
CompletionNode DescribeCommands(const CLI::App& program);

// `program`: the name under which the shell finds it.
std::string BashCompletion(const std::string& program, const CompletionNode& root);
std::string ZshCompletion(const std::string& program, const CompletionNode& root);
std::string FishCompletion(const std::string& program, const CompletionNode& root);

}  // namespace tessy
