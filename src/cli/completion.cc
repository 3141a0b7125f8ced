#include "cli/completion.h"

#include <algorithm>
#include <memory>

#include "cli/commands.h"

namespace tessy {
namespace {

// "TEXT:{bash,zsh}" and "TEXT:value in {a->0,b->1} OR {0,1}": the names in the first braces.
std::vector<std::string> Choices(std::string_view type_name) {
  const size_t open = type_name.find('{');
  const size_t close = type_name.find('}', open);
  if (close == std::string_view::npos) return {};
  std::vector<std::string> choices;
  for (const std::string& item :
       CLI::detail::split(std::string(type_name.substr(open + 1, close - open - 1)), ',')) {
    choices.push_back(item.substr(0, item.find("->")));
  }
  return choices;
}

CompletionOption DescribeOption(const CLI::Option& option) {
  CompletionOption described;
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  if (described.names.empty()) described.names.push_back(option.get_name());
  described.description = option.get_description();
  described.takes_value = option.get_items_expected_max() > 0;
  described.repeats = option.get_items_expected_max() > 1 ||
                      option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  if (described.takes_value) described.value = ValueOfType(option.get_type_name());
  return described;
}

void AddOptions(const CLI::App& app, CompletionNode& node) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    auto& described = option->nonpositional() ? node.options : node.positionals;
    auto one = DescribeOption(*option);
    // A group of options has a --help of its own, which is the command's again.
    const auto same = [&](const CompletionOption& other) { return other.names == one.names; };
    if (std::ranges::none_of(described, same)) described.push_back(std::move(one));
  }
}

void Describe(const CLI::App& app, CompletionNode& node) {
  AddOptions(app, node);
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_disabled() || command->get_group().empty()) continue;
    if (command->get_name().empty()) {  // a group of options
      Describe(*command, node);
      continue;
    }
    CompletionNode child;
    child.name = command->get_name();
    child.path = node.path.empty() ? child.name : node.path + " " + child.name;
    child.description = command->get_description();
    Describe(*command, child);
    if (command->get_fallthrough()) {
      child.options.insert(child.options.end(), node.options.begin(), node.options.end());
    }
    node.commands.push_back(std::move(child));
  }
}

Status PrintCompletion(const CLI::App& app, const std::string& shell) {
  const CompletionNode root = DescribeCommands(app);
  if (shell == "zsh") return WriteOutput(ZshCompletion(app.get_name(), root));
  if (shell == "fish") return WriteOutput(FishCompletion(app.get_name(), root));
  return WriteOutput(BashCompletion(app.get_name(), root));
}

}  // namespace

CompletionValue ValueOfType(std::string_view type_name) {
  using Kind = CompletionValue::Kind;
  const auto has = [&](std::string_view word) { return type_name.find(word) != std::string_view::npos; };
  if (auto choices = Choices(type_name); !choices.empty()) return {Kind::kChoices, std::move(choices)};
  if (has("DIR")) return {Kind::kFolder};
  if (has("FILE") || has("PATH") || has("MODEL") || has("SPEC") || has("GGUF") || has("TEXT"))
    return {Kind::kFile};
  return {Kind::kNone};
}

CompletionNode DescribeCommands(const CLI::App& program) {
  CompletionNode root;
  root.description = program.get_description();
  Describe(program, root);
  return root;
}

void AddCompletionCommand(CLI::App& app, CommandContext& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "a script that lets the shell complete tessy's arguments");
  command->footer(
      "Example:\n"
      "  source <(tessy completion bash)                              in ~/.bashrc\n"
      "  source <(tessy completion zsh)                               in ~/.zshrc, after compinit\n"
      "  tessy completion fish > ~/.config/fish/completions/tessy.fish");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  command->callback([shell, &app, &context] { Finish(context, PrintCompletion(app, *shell)); });
}

}  // namespace tessy
