#include <fmt/format.h>

#include "cli/completion.h"

namespace tessy {
namespace {

using Kind = CompletionValue::Kind;

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// -f no files, -F files, -r a value is needed, -x both -r and -f
std::string Offer(const CompletionValue& value, bool is_flag) {
  switch (value.kind) {
    case Kind::kFile:
      return is_flag ? " -r -F" : " -F";
    case Kind::kFolder:
      return " -x -a '(__fish_complete_directories (commandline -ct))'";
    case Kind::kChoices:
      return fmt::format(" {} -a {}", is_flag ? "-x" : "-f",
                         Quoted(fmt::format("{}", fmt::join(value.choices, " "))));
    case Kind::kNone:
      break;
  }
  return is_flag ? " -x" : " -f";
}

std::string NameFlags(const std::vector<std::string>& names) {
  std::string flags;
  for (const std::string& name : names) {
    flags += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return flags;
}

void AppendWalk(std::string& out, const CompletionNode& node) {
  for (const CompletionOption& option : node.options) {
    if (!option.takes_value) continue;
    for (const std::string& name : option.names) {
      out +=
          fmt::format("            case {}\n                set pending 1\n", Quoted(node.path + "|" + name));
    }
  }
  for (const CompletionNode& child : node.commands) {
    out += fmt::format("            case {}\n                set command {}\n",
                       Quoted(node.path + "|" + child.name), Quoted(child.path));
  }
  for (const CompletionNode& child : node.commands) AppendWalk(out, child);
}

void AppendRules(std::string& out, const std::string& program, const CompletionNode& node) {
  const std::string rule = fmt::format("complete -c {} -n {}", program,
                                       Quoted(fmt::format("__{}_at {}", program, Quoted(node.path))));
  for (const CompletionOption& option : node.options) {
    out += fmt::format("{}{}{} -d {}\n", rule, NameFlags(option.names),
                       option.takes_value ? Offer(option.value, true) : "", Quoted(option.description));
  }
  for (const CompletionOption& positional : node.positionals)
    out += rule + Offer(positional.value, false) + "\n";
  for (const CompletionNode& child : node.commands) {
    out += fmt::format("{} -f -a {} -d {}\n", rule, Quoted(child.name), Quoted(child.description));
  }
  for (const CompletionNode& child : node.commands) AppendRules(out, program, child);
}

}  // namespace

std::string FishCompletion(const std::string& program, const CompletionNode& root) {
  std::string out =
      fmt::format(R"(# fish completion for {0}: {0} completion fish > ~/.config/fish/completions/{0}.fish
function __{0}_at --description 'is the cursor at this command?'
    set -l command ''
    set -l pending
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if test -n "$pending"
            set pending
            continue
        end
        switch "$command|$word"
)",
                  program);
  AppendWalk(out, root);
  out += fmt::format("        end\n    end\n    test \"$command\" = \"$argv[1]\"\nend\ncomplete -c {} -f\n",
                     program);
  AppendRules(out, program, root);
  return out;
}

}  // namespace tessy
