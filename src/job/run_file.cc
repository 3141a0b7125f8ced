#include "job/run_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <vector>

#include "base/near_names.h"
#include "base/toml_depth.h"
#include "job/output_check.h"
#include "store/append_file.h"

namespace tessy {
namespace {

tl::unexpected<Error> Bad(const std::string& path, const toml::node& node, const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

// Values as they would stand on the command line; none for what a setting cannot take.
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

// A setting by its key, or what is wrong with the key or the type of its value.
Result<const Setting*> SettingFor(std::span<const Setting> settings, const std::string& path,
                                  const std::string& key, const toml::node& node) {
  const Setting* setting = FindSetting(settings, key);
  if (setting == nullptr) {
    std::vector<std::string> keys;
    for (const Setting& known : settings) keys.push_back(known.key);
    return Bad(path, node, fmt::format("there is no setting \"{}\"{}", key, DidYouMean(key, keys)));
  }
  if (setting->only_as_flag) {
    return Bad(
        path, node,
        fmt::format("\"{}\" belongs on the command line: here it would start over at every call", key));
  }
  if (IsSwitch(*setting) == node.is_boolean()) return setting;
  return Bad(path, node,
             IsSwitch(*setting) ? fmt::format("\"{}\" takes true or false", key)
                                : fmt::format("\"{}\" takes a value, not true or false", key));
}

}  // namespace

Status ApplyRunFile(std::span<const Setting> settings, const std::string& path,
                    const std::function<bool(std::string_view key)>& is_given) {
  const auto text = ReadText(path);
  if (!text) return tl::unexpected(text.error());
  if (auto nested = CheckTomlNesting(*text, path); !nested) return nested;
  toml::table table;
  try {
    table = toml::parse(*text, path);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [name, node] : table) {
    std::string key(name.str());
    std::ranges::replace(key, '_', '-');
    const auto setting = SettingFor(settings, path, key, node);
    if (!setting) return tl::unexpected(setting.error());
    if (is_given && is_given(key)) continue;
    const auto texts = TextsOf(node);
    if (texts.empty()) {
      return Bad(path, node, fmt::format("\"{}\" takes a value, not a table, a time or an empty list", key));
    }
    if (auto status = Assign(**setting, texts); !status) return Bad(path, node, status.error().message);
  }
  return CheckOutputs(settings, NamedPath{.name = "the run file", .path = path});
}

}  // namespace tessy
