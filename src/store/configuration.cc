#include "store/configuration.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "base/links.h"
#include "base/utf8.h"
#include "store/append_file.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

std::string Short(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr size_t kShownMax = 60;
  if (text.size() > kShownMax) text = Sanitize(text.substr(0, kShownMax)) + "…";
  return text;
}

bool IsUnset(const Json& value) {
  return (value.is_string() && value.get<std::string>().empty()) || (value.is_number() && value == 0);
}

// `value`: null if the record has none.
std::string Shown(const std::string& key, const Json* value, const UnsetTexts& unset) {
  const auto text = unset.find(key);
  if (text != unset.end() && (value == nullptr || IsUnset(*value))) return text->second;
  return value == nullptr ? "(none)" : Short(*value);
}

}  // namespace

std::string FreeNameAside(const std::string& path) {
  std::error_code status;
  for (int i = 1;; ++i) {
    std::string name = fmt::format("{}.old-{}", path, i);
    if (!std::filesystem::exists(name, status)) return name;
  }
}

std::string DifferenceOf(const std::string& recorded_json, const std::string& json, const UnsetTexts& unset) {
  // Comparing and flattening call themselves for each level.
  if (NestsDeeperThan(recorded_json, kNestingMax)) {
    return fmt::format("its config.json is damaged: nested more than {} levels deep", kNestingMax);
  }
  const Json recorded = Json::parse(recorded_json, nullptr, false);
  const Json wanted = Json::parse(json, nullptr, false);
  if (!recorded.is_object()) return "its config.json is damaged";
  std::string difference;
  const auto add = [&](const std::string& pointer, const Json* before, const Json* after) {
    const std::string key = pointer.substr(1);
    const std::string was = Shown(key, before, unset);
    const std::string is = Shown(key, after, unset);
    const bool on_one_side = before == nullptr || after == nullptr;
    if (on_one_side && was == is) return;  // given, with the value that it has anyway
    difference += fmt::format("{}{} {} -> {}", difference.empty() ? "" : ", ", key, was, is);
  };
  const Json before = recorded.flatten();
  const Json after = wanted.flatten();
  for (const auto& [key, value] : before.items()) {
    if (key.empty()) continue;  // so an empty object is flattened
    if (!after.contains(key)) {
      add(key, &value, nullptr);
    } else if (after[key] != value) {
      add(key, &value, &after[key]);
    }
  }
  for (const auto& [key, value] : after.items()) {
    if (!key.empty() && !before.contains(key)) add(key, nullptr, &value);
  }
  return difference;
}

Result<std::string> SetAside(const std::string& path) {
  std::error_code status;
  const std::string real = BehindLinks(path);
  if (!std::filesystem::exists(real, status)) return std::string();
  const bool is_folder = std::filesystem::is_directory(real, status);
  std::string name = FreeNameAside(real);
  std::filesystem::rename(real, name, status);
  // A link to a folder that is not there could not be filled.
  if (!status && is_folder && real != path) std::filesystem::create_directory(real, status);
  if (status) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be renamed: {}", real, status.message()));
  return name;
}

Result<std::string> CopyAside(const std::string& path) {
  std::error_code status;
  std::string name = FreeNameAside(BehindLinks(path));
  std::filesystem::copy_file(path, name, status);
  if (status) return Fail(ErrorCode::kIo, fmt::format("{}: cannot be copied: {}", path, status.message()));
  return name;
}

}  // namespace tessy
