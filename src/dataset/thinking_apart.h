#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataset/json_fields.h"

// Thinking that stands beside a response's text instead of in it, for the .cc files of this folder and of
// formats/.
namespace tessy {

// A text that is thinking, and the field that holds it; empty: there is none.
struct ApartThinking {
  std::string_view key = {};
  std::string text = {};
};

// The thinking in `reasoning_content`, `reasoning` or `thinking` of a turn or of a part of its content: the
// first of them that is a text and not blank.
ApartThinking ApartIn(const Json& object);

// The same of a row. Rows have switches of the last two names, too ("reasoning": "on"): a single word there
// is none.
ApartThinking ApartInRow(const Json& row);

// The thinking of a part of a content that is no text ({"type": "thinking", …}); none if the part is
// something else.
std::optional<std::string> ThinkingInPart(const Json& part);

// False for a part of a content that says that it is something else than text.
bool MayBeText(const Json& part);

// Whether a content has thinking that takes the place of the one beside it: it begins with a mark that opens
// thinking, or its thinking holds that text. A content that only names </think> has none.
bool HasOwnThinking(std::string_view content, std::string_view apart);

// A response's content as its template would have it with that thinking.
std::string WithThinking(const std::string& thinking, const std::string& content);

}  // namespace tessy
