#include "job/settings_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/json_depth.h"
#include "base/numbers.h"
#include "job/identity.h"
#include "job/text_or_file.h"
#include "model/openai/server_address.h"

namespace tessy {
namespace {

using Json = nlohmann::ordered_json;

std::string PlaceOf(const Setting& setting) {
  std::string name = setting.recorded.name.empty() ? setting.key : setting.recorded.name;
  if (setting.recorded.name.empty()) std::ranges::replace(name, '-', '_');
  return "/" + name;
}

Json ValueOf(const Setting& setting) {
  return std::visit(
      []<class T>(const T* value) -> Json {
        if constexpr (std::is_same_v<T, float>) return Decimal(*value);
        return *value;
      },
      setting.value);
}

// Its text, or the first of its texts.
std::string FirstText(const Setting& setting) {
  if (const auto* texts = std::get_if<std::vector<std::string>*>(&setting.value)) {
    return (*texts)->empty() ? "" : (*texts)->front();
  }
  return TextOf(setting);
}

// The run may move to other machines, and what is served there is the same. Without a name the address tells.
std::string ServedName(const std::string& address) {
  const size_t hash = address.find('#');
  return hash == std::string::npos || hash + 1 == address.size() ? address : address.substr(hash + 1);
}

Result<Json> FilesOf(const Setting& setting) {
  const auto* paths = std::get_if<std::vector<std::string>*>(&setting.value);
  if (paths == nullptr) return IdentityOfTable(TextOf(setting));
  Json list = Json::array();
  for (const std::string& path : **paths) {
    auto identity = IdentityOfTable(path);
    if (!identity) return identity;
    list.push_back(std::move(*identity));
  }
  return list;
}

Result<Json> ModelOf(const std::string& spec) {
  if (spec == "lexicon") return Json(spec);
  if (spec.starts_with(kPhrasesMark)) return IdentityOfData(spec.substr(kPhrasesMark.size()));
  if (IsServerAddress(spec)) return Json{{"server", ServedName(spec)}};
  return IdentityOfModel(spec);
}

// As LoadFamily decides.
bool IsFamilyFile(const std::string& family) { return family.ends_with(".toml"); }

Result<Json> Fingerprinted(const Setting& setting) {
  const std::string text = FirstText(setting);
  switch (setting.recorded.as) {
    case Fingerprint::kNone:
    case Fingerprint::kValue:
      break;
    case Fingerprint::kText:
      return TextOrFile(text).map([](const std::string& told) { return Json(told); });
    case Fingerprint::kPresence:
      return Json(setting.recorded.if_given);
    case Fingerprint::kFile:
      return FilesOf(setting);
    case Fingerprint::kFamily:
      return IsFamilyFile(text) ? IdentityOfData(text) : Json(text);
    case Fingerprint::kModel:
      return ModelOf(text);
  }
  return ValueOf(setting);
}

// "(default: all)" at the end of a help text, without its frame; empty if there is none.
std::string DefaultInHelp(const std::string& help) {
  constexpr std::string_view kBegin = "(default: ";
  const size_t begin = help.rfind(kBegin);
  if (begin == std::string::npos || !help.ends_with(')')) return "";
  return help.substr(begin + kBegin.size(), help.size() - begin - kBegin.size() - 1);
}

// Numbers and switches always have a value.
bool IsEmpty(const Setting& setting) {
  return FirstText(setting).empty() && setting.recorded.as != Fingerprint::kValue;
}

}  // namespace

Result<std::string> RecordOf(std::span<const Setting> settings, std::string_view kind,
                             std::string_view kind_value) {
  Json json;
  json[std::string(kind)] = Json::parse(kind_value);
  for (const Setting& setting : settings) {
    if (!IsBinding(setting) || !setting.recorded.applies) continue;
    const Json::json_pointer place(PlaceOf(setting));
    const bool is_empty = FirstText(setting).empty();
    if (is_empty && !setting.recorded.if_empty.empty()) {
      json[place] = setting.recorded.if_empty;
    } else if (!IsEmpty(setting)) {
      auto value = Fingerprinted(setting);
      if (!value) return tl::unexpected(value.error());
      json[place] = std::move(*value);
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string AsRecordedNow(std::span<const Setting> settings, const std::string& recorded,
                          const std::string& now) {
  // Writing it out calls itself for each level.
  if (NestsDeeperThan(recorded, kNestingMax)) return recorded;
  Json json = Json::parse(recorded, nullptr, false);
  const Json present = Json::parse(now, nullptr, false);
  if (!json.is_object() || !present.is_object()) return recorded;
  for (const Setting& setting : settings) {
    if (!IsBinding(setting)) continue;
    const Json::json_pointer place(PlaceOf(setting));
    if (!json.contains(place)) {
      const auto parent = place.parent_pointer();
      const bool has_room = !json.contains(parent) || json[parent].is_object();
      if (setting.recorded.may_be_absent && present.contains(place) && has_room) json[place] = present[place];
      continue;
    }
    Json& value = json[place];
    const bool was_path = value.is_string() && value.get<std::string>() == FirstText(setting);
    if (was_path && present.contains(place) && present[place].is_object()) value = present[place];
    if (setting.recorded.as == Fingerprint::kModel && value.is_object() && value.contains("server") &&
        value["server"].is_string()) {
      value["server"] = ServedName(value["server"].get<std::string>());
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

UnsetTexts UnsetTextsOf(std::span<const Setting> settings) {
  UnsetTexts texts;
  for (const Setting& setting : settings) {
    if (!IsBinding(setting)) continue;
    const std::string told = DefaultInHelp(setting.help);
    std::string text = setting.recorded.unset;
    if (text.empty() && !told.empty()) text = fmt::format("default ({})", told);
    if (!text.empty()) texts.emplace(PlaceOf(setting).substr(1), std::move(text));
  }
  return texts;
}

std::string RecordedText(const std::string& recorded, std::string_view name) {
  if (NestsDeeperThan(recorded, kNestingMax)) return "";
  const Json json = Json::parse(recorded, nullptr, false);
  const auto found = json.is_object() ? json.find(std::string(name)) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace tessy
