#include "cli/commands.h"
#include "store/append_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

namespace tessy {
namespace {

// Text as roff prints it: no line begins a request, and a hyphen can be copied into a shell.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

// "a" and "b c" make "a-b-c": the name of the page's file.
std::string FileNameOf(std::string name) {
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("\\fB" + Roff("-" + name) + "\\fR");
  for (const std::string& name : option.get_lnames()) names.push_back("\\fB" + Roff("--" + name) + "\\fR");
  if (names.empty()) return "\\fI" + Roff(option.get_name()) + "\\fR";
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string Describe(const CLI::Option& option) {
  std::string entry = ".TP\n" + NamesOf(option);
  if (option.get_items_expected_max() > 0) entry += " \\fI" + Roff(option.get_type_name()) + "\\fR";
  entry += "\n" + Roff(option.get_description());
  if (!option.get_default_str().empty())
    entry += Roff(fmt::format(" (default: {})", option.get_default_str()));
  return entry + "\n";
}

std::string OptionsOf(const CLI::App& command) {
  std::string text;
  for (const std::string& group : command.get_groups()) {
    if (group.empty()) continue;  // hidden
    std::string entries;
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group() == group) entries += Describe(*option);
    }
    if (!entries.empty()) text += fmt::format(".SS {}\n{}", Roff(group), entries);
  }
  return text;
}

std::string CommandsOf(const CLI::App& command) {
  std::string text;
  for (const CLI::App* child : command.get_subcommands({})) {
    if (child->get_name().empty() || child->get_group().empty()) continue;
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", Roff(child->get_name()), Roff(child->get_description()));
  }
  return text.empty() ? "" : ".SH COMMANDS\n" + text;
}

// The manual page of a command in the language of man(7), from the flags that the program parses by. `name`
// is the program with the command's path ("tessy train sft").
std::string ManualPage(const CLI::App& command, const std::string& name, const std::string& version) {
  std::string upper = FileNameOf(name);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string page = fmt::format(".TH {} 1 \"\" \"{}\" \"User Commands\"\n", Roff(upper), Roff(version));
  page += fmt::format(".SH NAME\n{} \\- {}\n", Roff(FileNameOf(name)), Roff(command.get_description()));
  const bool has_commands = !command.get_subcommands({}).empty();
  page += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR [\\fIoptions\\fR]", Roff(name));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) page += fmt::format(" [\\fI{}\\fR]", Roff(option->get_name()));
  }
  page += has_commands ? " \\fIcommand\\fR\n" : "\n";
  page += ".SH OPTIONS\n" + OptionsOf(command) + CommandsOf(command);
  if (!command.get_footer().empty()) {
    page += fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", Roff(command.get_footer()));
  }
  return page;
}

Status PrintManual(const CLI::App& app, const std::vector<std::string>& path) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  for (const std::string& part : path) {
    const auto children =
        command->get_subcommands([&](const CLI::App* child) { return child->get_name() == part; });
    if (children.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{} has no command \"{}\"", name, part));
    }
    command = children.front();
    name += " " + part;
  }
  return WriteOutput(ManualPage(*command, name, app.version()));
}

// The page of the command and those of all below it, each in a file of its name.
Status WriteManuals(const CLI::App& command, const std::string& name, const std::string& version,
                    const std::string& folder) {
  const std::string path = fmt::format("{}/{}.1", folder, FileNameOf(name));
  if (auto status = WriteWhole(path, ManualPage(command, name, version)); !status) return status;
  for (const CLI::App* child : command.get_subcommands({})) {
    if (child->get_name().empty() || child->get_group().empty()) continue;
    if (auto status = WriteManuals(*child, name + " " + child->get_name(), version, folder); !status)
      return status;
  }
  return {};
}

}  // namespace

void AddManCommand(CLI::App& app, CommandContext& context) {
  struct Flags {
    std::vector<std::string> path;
    std::string folder;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("man", "manual pages for man(1)");
  command->footer(
      "Examples:\n"
      "  tessy man synth | man -l -\n"
      "  tessy man --all /usr/local/share/man/man1");
  auto* path =
      command->add_option("COMMAND", flags->path, "as it is typed after tessy (default: tessy itself)");
  path->type_name("");
  command->add_option("--all", flags->folder, "write the pages of all commands into this folder")
      ->type_name("DIR")
      ->excludes(path);
  command->callback([flags, &app, &context] {
    Finish(context, flags->folder.empty() ? PrintManual(app, flags->path)
                                          : WriteManuals(app, app.get_name(), app.version(), flags->folder));
  });
}

}  // namespace tessy
