#include "cli/run_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <vector>

#include "base/near_names.h"
#include "store/append_file.h"

namespace tessy {
namespace {

tl::unexpected<Error> Bad(const std::string& path, const toml::node& node, const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

// Values as they would stand on the command line; none for what a flag cannot take.
std::vector<std::string> TextsOf(const toml::node& node) {
  if (const auto* date = node.as_date()) {
    return {fmt::format("{:04}-{:02}-{:02}", date->get().year, date->get().month, date->get().day)};
  }
  if (const auto* text = node.as_string()) return {text->get()};
  if (const auto* number = node.as_integer()) return {std::to_string(number->get())};
  if (const auto* number = node.as_floating_point()) return {fmt::format("{}", number->get())};
  if (const auto* truth = node.as_boolean()) return {truth->get() ? "true" : "false"};
  std::vector<std::string> texts;
  if (const auto* list = node.as_array()) {
    for (const toml::node& element : *list) {
      const auto one = TextsOf(element);
      texts.insert(texts.end(), one.begin(), one.end());
    }
  }
  return texts;
}

// What a file may set: not what only asks the program for something.
std::vector<std::string> SettingsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* known : command.get_options()) {
    if (known == command.get_help_ptr() || known == command.get_version_ptr()) continue;
    for (const std::string& name : known->get_lnames()) names.push_back(name);
  }
  return names;
}

// CLI11 takes "yes" and 3 for true, and a flag without its value is no text.
Status CheckType(const CLI::Option& option, const std::string& path, const std::string& key,
                 const toml::node& node) {
  const bool is_switch = option.get_items_expected_max() == 0;
  if (is_switch == node.is_boolean()) return {};
  return Bad(path, node,
             is_switch ? fmt::format("\"{}\" takes true or false", key)
                       : fmt::format("\"{}\" takes a value, not true or false", key));
}

Status ApplyKey(CLI::App& command, const std::string& path, std::string key, const toml::node& node) {
  std::replace(key.begin(), key.end(), '_', '-');
  const auto names = SettingsOf(command);
  if (std::find(names.begin(), names.end(), key) == names.end()) {
    return Bad(path, node, fmt::format("there is no setting \"{}\"{}", key, DidYouMean(key, names)));
  }
  if (key == "fresh") {
    return Bad(path, node, "\"fresh\" belongs on the command line: here it would start over at every call");
  }
  CLI::Option* option = command.get_option_no_throw("--" + key);
  if (auto status = CheckType(*option, path, key, node); !status) return status;
  if (option->count() > 0) return {};
  const auto texts = TextsOf(node);
  if (texts.empty())
    return Bad(path, node, fmt::format("\"{}\" takes a value, not a table, a time or an empty list", key));
  try {
    for (const std::string& text : texts) option->add_result(text);
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    return Bad(path, node, error.what());  // which begins with the flag's name
  }
  return {};
}

}  // namespace

Status ApplyRunFile(CLI::App& command, const std::string& path) {
  const auto text = ReadWhole(path);
  if (!text) return tl::unexpected(text.error());
  toml::table table;
  try {
    table = toml::parse(*text, path);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [key, node] : table) {
    if (auto status = ApplyKey(command, path, std::string(key.str()), node); !status) return status;
  }
  return {};
}

}  // namespace tessy
