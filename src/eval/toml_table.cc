#include "eval/toml_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/near_names.h"
#include "base/toml_depth.h"

namespace tessy {

Result<toml::table> ParsedToml(std::string_view text, const std::string& origin) {
  if (auto status = CheckTomlNesting(text, origin); !status) return tl::unexpected(status.error());
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidData, fmt::format("{}:{}: {}", origin, error.source().begin.line,
                                                     std::string(error.description())));
  }
}

const toml::node* TomlKeys::Find(std::string_view key) {
  known_.emplace_back(key);
  return problem_ ? table_.get(key) : nullptr;
}

void TomlKeys::Complain(const toml::node& node, std::string_view key, std::string_view what) {
  if (!problem_) return;
  problem_ = Fail(ErrorCode::kInvalidData,
                  fmt::format("{}:{}: \"{}\" {}", origin_, node.source().begin.line, key, what));
}

void TomlKeys::Read(std::string_view key, std::string& out) {
  const toml::node* node = Find(key);
  if (!node) return;
  if (!node->is_string()) return Complain(*node, key, "must be a string");
  out = node->as_string()->get();
}

void TomlKeys::Read(std::string_view key, uint64_t& out) {
  const toml::node* node = Find(key);
  if (!node) return;
  if (!node->is_integer() || node->as_integer()->get() < 0)
    return Complain(*node, key, "must be a whole number");
  out = static_cast<uint64_t>(node->as_integer()->get());
}

void TomlKeys::Read(std::string_view key, bool& out) {
  const toml::node* node = Find(key);
  if (!node) return;
  if (!node->is_boolean()) return Complain(*node, key, "must be true or false");
  out = node->as_boolean()->get();
}

void TomlKeys::Read(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = Find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  if (!array) return Complain(*node, key, "must be an array of strings");
  out.clear();
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (!text || text->get().empty())
      return Complain(element, key, "must be an array of strings that are not empty");
    out.push_back(text->get());
  }
}

const toml::table* TomlKeys::Table(std::string_view key) {
  const toml::node* node = Find(key);
  if (!node) return nullptr;
  if (!node->is_table()) Complain(*node, key, "must be a table");
  return node->as_table();
}

Status TomlKeys::Finish() {
  for (const auto& [key, value] : table_) {
    if (!problem_) break;
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    Complain(value, key.str(), "is unknown" + DidYouMean(key.str(), known_));
  }
  return problem_;
}

}  // namespace tessy
