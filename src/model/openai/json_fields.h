#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cooperation/trace.h"

namespace tessy {

// Members of JSON objects that servers sent. A member that is missing, or is of another type than the
// function reads, counts as not there; nothing throws. `object` must be a JSON object.

inline const nlohmann::json* Member(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

inline std::string TextOf(const nlohmann::json& object, const char* key) {
  const nlohmann::json* value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

inline size_t NumberOf(const nlohmann::json& object, const char* key) {
  const nlohmann::json* value = Member(object, key);
  return value != nullptr && value->is_number_unsigned() ? value->get<size_t>() : 0;
}

inline bool IsTrue(const nlohmann::json& object, const char* key) {
  const nlohmann::json* value = Member(object, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

// Token ids of the array `key`; entries that are no integers are left out.
inline std::vector<TokenId> IdsOf(const nlohmann::json& object, const char* key) {
  std::vector<TokenId> ids;
  const nlohmann::json* value = Member(object, key);
  if (value == nullptr || !value->is_array()) return ids;
  for (const nlohmann::json& id : *value) {
    if (id.is_number_integer()) ids.push_back(id.get<TokenId>());
  }
  return ids;
}

}  // namespace tessy
