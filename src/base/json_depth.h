#pragma once

#include <cstddef>
#include <string_view>

namespace tessy {

// The levels of lists and objects that JSON and TOML of people, files and servers may have. What is deeper is
// refused before it is parsed, because much that is done with parsed values calls itself for each level.
inline constexpr size_t kNestingMax = 200;

// True if lists and objects of the text nest deeper than `limit` levels. Only brackets, and the quotes and
// backslashes of strings are looked at, so the text need not be valid JSON. Pure; time grows with the text's
// length, and nothing calls itself.
bool NestsDeeperThan(std::string_view json, size_t limit);

// The value, discarded where the text is no JSON, null where it nests deeper than kNestingMax. `Json` is a
// basic_json of nlohmann's library.
template <class Json>
Json ParseBounded(std::string_view json) {
  return NestsDeeperThan(json, kNestingMax) ? Json() : Json::parse(json, nullptr, false);
}

}  // namespace tessy
