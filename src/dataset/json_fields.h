#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// Keeps the order of keys. For this folder's .cc files; nothing else sees the JSON library through it.
using Json = nlohmann::ordered_json;

// One line that must be a JSON object in UTF-8. The error tells what it is instead, without a place.
Result<Json> ParseObject(std::string_view line);

// "a string", "a list": for messages.
std::string_view KindOf(const Json& value);

// One field of an object as it is written, so that it can be carried over to the letter: numbers of any size
// and spelling, escapes, the order of keys.
struct RawField {
  std::string name;       // decoded
  std::string_view key;   // as written, in quotes
  std::string_view text;  // the value as written
};

// The fields of a valid JSON object, in order. The views point into `object`.
std::vector<RawField> RawFields(std::string_view object);

// Appends valid JSON without the whitespace between its parts.
void AppendCompact(std::string& out, std::string_view json);

}  // namespace tessy
