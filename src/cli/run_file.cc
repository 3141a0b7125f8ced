#include "cli/run_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <vector>

#include "cli/near_names.h"

namespace tessy {
namespace {

tl::unexpected<Error> Bad(const std::string& path, const toml::node& node, const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

// Values as they would stand on the command line; none for what a flag cannot take.
std::vector<std::string> TextsOf(const toml::node& node) {
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

Status ApplyKey(CLI::App& command, const std::string& path, std::string key, const toml::node& node) {
  std::replace(key.begin(), key.end(), '_', '-');
  CLI::Option* option = command.get_option_no_throw("--" + key);
  if (option == nullptr || key == "help") {
    std::vector<std::string> names;
    for (const CLI::Option* known : command.get_options()) {
      for (const std::string& name : known->get_lnames()) names.push_back(name);
    }
    return Bad(path, node, fmt::format("there is no setting \"{}\"{}", key, DidYouMean(key, names)));
  }
  if (option->count() > 0) return {};
  const auto texts = TextsOf(node);
  if (texts.empty())
    return Bad(path, node, fmt::format("\"{}\" takes a value, not a table or an empty list", key));
  try {
    for (const std::string& text : texts) option->add_result(text);
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    return Bad(path, node, fmt::format("\"{}\": {}", key, error.what()));
  }
  return {};
}

}  // namespace

Status ApplyRunFile(CLI::App& command, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse_file(path);
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
