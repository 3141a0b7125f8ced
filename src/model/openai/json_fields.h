#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/trace.h"

namespace tessy {

// The JSON that a server sent. A discarded value, which is no object and no list, where it is none, or where
// it nests deeper than kNestingMax. An escaped half of a surrogate pair without the other becomes U+FFFD.
// Never throws. All JSON of servers is parsed by this, or by ParseCompletionEvent.
nlohmann::json ParseServerJson(std::string_view text);

// True if the text has the escape of half a surrogate pair (\ud83d) without that of the other half.
bool HasHalf(std::string_view json);
// The same text with each such half as the escape of kHalfMark + (half − U+D800), a character of the private
// plane 16, since no parser lets a half pass. Characters of the text that have such a value already become
// U+FFFD.
inline constexpr char32_t kHalfMark = 0x10F800;
std::string MarkHalves(std::string_view json);

// Members of JSON objects that servers sent. A member that is missing, or is of another type than the
// function reads, counts as not there; nothing throws. `object` must be a JSON object.

const nlohmann::json* Member(const nlohmann::json& object, std::string_view key);
std::string TextOf(const nlohmann::json& object, std::string_view key);
// A whole number that is not negative, however it is written (4096.0); 0 if it is none.
size_t NumberOf(const nlohmann::json& object, std::string_view key);
bool IsTrue(const nlohmann::json& object, std::string_view key);
// Token ids of the array `key`; -1 for a number that is no token id. Entries that are no integers are left
// out.
std::vector<TokenId> IdsOf(const nlohmann::json& object, std::string_view key);
// A count of the server; -1 if it is none. What does not fit into the type counts as the largest number.
int64_t CountOf(const nlohmann::json& object, std::string_view key);

}  // namespace tessy
