#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

// A JSON object that keeps the order of its keys. For the .cc files of this folder; no other folder sees the
// JSON library through this header.
using Json = nlohmann::ordered_json;

// Parses one line that must be a JSON object in UTF-8, or becomes one by AsStrictJson. The error says what it
// is instead, but not which line it is. Objects of more than kNestingMax levels are refused.
Result<Json> ParseObject(std::string_view line);

// JSON as Python and JavaScript write it, as JSON that every reader takes: NaN and the infinities become
// null, the halves of surrogate pairs \ufffd, and numbers that no double holds (1e999) texts. All else stays
// to the letter, in valid JSON and in what is none; also a number in the place of a key.
std::string AsStrictJson(std::string_view json);

// True if a string of the JSON holds half of a surrogate pair.
bool HasHalfSurrogate(std::string_view json);

// The kind of the value as messages call it: "a string", "a list".
std::string_view KindOf(const Json& value);

// One field of an object as it is written, so that it can be copied byte for byte: numbers of any size and
// spelling, escapes, the order of keys.
struct RawField {
  std::string name;       // decoded
  std::string_view key;   // as written, in quotes
  std::string_view text;  // the value as written
};

// The fields of an object that ParseObject takes, in order. The views point into `object`.
std::vector<RawField> RawFields(std::string_view object);

// Appends valid JSON without the whitespace between its parts.
void AppendCompact(std::string& out, std::string_view json);

}  // namespace tessy
