#include <fmt/format.h>

#include <iterator>

#include "cli/completion.h"

namespace tessy {
namespace {

using Kind = CompletionValue::Kind;

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string Offer(const CompletionValue& value) {
  switch (value.kind) {
    case Kind::kFile:
      return "files=1";
    case Kind::kFolder:
      return "folders=1";
    case Kind::kChoices:
      return fmt::format("words={}", Quoted(fmt::format("{}", fmt::join(value.choices, " "))));
    case Kind::kNone:
      break;
  }
  return ":";
}

// The four tables of the script, each the arms of a `case` over "command|word".
class Tables {
 public:
  explicit Tables(const CompletionNode& root) { Add(root); }

  std::string walk;         // how a word before the cursor moves on
  std::string values;       // what an option's value may be
  std::string flags;        // the options of a command
  std::string positionals;  // what may stand as an argument at a position

 private:
  void Add(const CompletionNode& node) {
    std::string names;
    for (const CompletionOption& option : node.options) {
      for (const std::string& name : option.names) {
        names += " " + name;
        if (!option.takes_value) continue;
        const std::string key = Quoted(node.path + "|" + name);
        Line(walk, "{}) pending=$word ;;", key);
        Line(values, "{}) {} ;;", key, Offer(option.value));
      }
    }
    Line(flags, "{}) words={} ;;", Quoted(node.path), Quoted(names.empty() ? "" : names.substr(1)));
    std::string commands;
    for (const CompletionNode& child : node.commands) {
      commands += " " + child.name;
      Line(walk, "{}) command={} position=0 ;;", Quoted(node.path + "|" + child.name), Quoted(child.path));
    }
    if (!commands.empty())
      Line(positionals, "{}) words={} ;;", Quoted(node.path + "|0"), Quoted(commands.substr(1)));
    for (size_t i = 0; i < node.positionals.size(); ++i) {
      const std::string place = node.positionals[i].repeats ? "*" : fmt::format("{}", i);
      Line(positionals, "{}{}) {} ;;", Quoted(node.path + "|"), place, Offer(node.positionals[i].value));
    }
    for (const CompletionNode& child : node.commands) Add(child);
  }

  template <class... Args>
  static void Line(std::string& table, fmt::format_string<Args...> format, Args&&... args) {
    table += "      ";
    fmt::format_to(std::back_inserter(table), format, std::forward<Args>(args)...);
    table += '\n';
  }
};

}  // namespace

std::string BashCompletion(const std::string& program, const CompletionNode& root) {
  const Tables tables(root);
  return fmt::format(R"(# bash completion for {0}: source <({0} completion bash)
_{0}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} command='' pending='' words='' position=0 files='' folders='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    [[ $word == '=' ]] && continue                       # --flag=value comes as three words
    [[ $word == ':' ]] && i=$((i + 1)) && continue       # and http://host as more
    [[ -n $pending ]] && pending='' && continue
    case "$command|$word" in
{1}      *'|-') position=$((position + 1)) ;;
      *'|-'*) ;;
      *) position=$((position + 1)) ;;
    esac
  done
  [[ $cur == '=' ]] && cur=''
  if [[ -n $pending ]]; then
    case "$command|$pending" in
{2}    esac
  elif [[ $cur == -* ]]; then
    case "$command" in
{3}    esac
  else
    case "$command|$position" in
{4}    esac
  fi
  COMPREPLY=()
  if [[ -n $files ]]; then
    compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ -n $folders ]]; then
    compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}}
complete -F _{0} {0}
)",
                     program, tables.walk, tables.values, tables.flags, tables.positionals);
}

}  // namespace tessy
