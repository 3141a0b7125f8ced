#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/completion.h"

namespace tessy {
namespace {

using Kind = CompletionValue::Kind;

// A part of a specification of _arguments or _describe, within single quotes.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string Action(const CompletionValue& value) {
  switch (value.kind) {
    case Kind::kFile:
      return "_files";
    case Kind::kFolder:
      return "_files -/";
    case Kind::kChoices:
      return fmt::format("({})", fmt::join(value.choices, " "));
    case Kind::kNone:
      break;
  }
  return " ";
}

std::string OptionSpecs(const CompletionOption& option) {
  std::string specs;
  const std::string others = option.repeats ? "*" : fmt::format("({})", fmt::join(option.names, " "));
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    specs += fmt::format("    '{}{}{}[{}]", others, name,
                         !option.takes_value ? ""
                         : is_long           ? "="
                                             : "+",
                         Escaped(option.description));
    if (option.takes_value) specs += fmt::format(":value:{}", Action(option.value));
    specs += "' \\\n";
  }
  return specs;
}

std::string FunctionName(const std::string& program, const std::string& path) {
  std::string name = path.empty() ? "_" + program : "_" + program + "_" + path;
  std::ranges::replace_if(
      name, [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

void AppendFunctions(std::string& out, const std::string& program, const CompletionNode& node) {
  for (const CompletionNode& child : node.commands) AppendFunctions(out, program, child);
  const std::string function = FunctionName(program, node.path);
  const auto add = [&out]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  };
  add("{}() {{\n", function);
  if (!node.commands.empty()) {
    out +=
        "  local context state line ret=1 curcontext=$curcontext\n  typeset -A opt_args\n  local -a "
        "commands=(\n";
    for (const CompletionNode& child : node.commands) {
      add("    '{}:{}'\n", Escaped(child.name), Escaped(child.description));
    }
    out += "  )\n";
  }
  add("  _arguments{} \\\n", node.commands.empty() ? "" : " -C");
  for (const CompletionOption& option : node.options) out += OptionSpecs(option);
  for (const CompletionOption& positional : node.positionals) {
    add("    '{}:{}:{}' \\\n", positional.repeats ? "*" : "", Escaped(positional.names[0]),
        Action(positional.value));
  }
  if (node.commands.empty()) {
    out += "    && return\n}\n";
    return;
  }
  out += "    '1: :->command' '*:: :->rest' && ret=0\n  case $state in\n";
  out += "    command) _describe command commands && ret=0 ;;\n    rest)\n      case $words[1] in\n";
  for (const CompletionNode& child : node.commands) {
    add("        {}) {} && ret=0 ;;\n", child.name, FunctionName(program, child.path));
  }
  out += "      esac ;;\n  esac\n  return ret\n}\n";
}

}  // namespace

std::string ZshCompletion(const std::string& program, const CompletionNode& root) {
  std::string out =
      fmt::format("#compdef {0}\n# zsh completion for {0}: source <({0} completion zsh)\n", program);
  AppendFunctions(out, program, root);
  // As a file in $fpath the script is itself the function's first call.
  out += fmt::format("if [[ $funcstack[1] == _{0} ]]; then\n  _{0} \"$@\"\nelse\n  compdef _{0} {0}\nfi\n",
                     program);
  return out;
}

}  // namespace tessy
