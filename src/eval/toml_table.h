#pragma once

#include <toml++/toml.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// TOML files of evaluations, for the .cc files of this folder.
namespace tessy {

// The table of a text. Errors name `origin` and the line.
Result<toml::table> ParsedToml(std::string_view text, const std::string& origin);

// Reads the keys of a table. The first problem is kept, and nothing is read after it. Not thread-safe.
class TomlKeys {
 public:
  TomlKeys(const toml::table& table, std::string origin) : table_(table), origin_(std::move(origin)) {}

  // Leaves `out` as it is where there is no such key.
  void Read(std::string_view key, std::string& out);
  void Read(std::string_view key, uint64_t& out);
  void Read(std::string_view key, bool& out);
  void Read(std::string_view key, std::vector<std::string>& out);
  // A table inside; null where there is none.
  const toml::table* Table(std::string_view key);

  // The first problem; that a key is there that nobody read is one.
  Status Finish();

 private:
  const toml::node* Find(std::string_view key);
  void Complain(const toml::node& node, std::string_view key, std::string_view what);

  const toml::table& table_;
  std::string origin_;
  std::vector<std::string> known_;
  Status problem_ = {};
};

}  // namespace tessy
