#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/message.h"

namespace tessy {

// The fields of a benchmark's row as text, by name. A field that is absent, null, false, or an empty text,
// list or object has no entry; a number and true are as JSON writes them.
using RowFields = std::map<std::string, std::string, std::less<>>;

// How a row is asked: a template of the user's message, and perhaps one of the system's. In a template
//   {{name}}                     is the field; a row without it is an error
//   {{#name}} … {{/name}}        stands only in rows that have the field
//   {{^name}} … {{/name}}        only in those that do not have it
//   {{#name=value}} … {{/name}}  only where the field is that text
// and all else is what it is. Parts may nest. Value type.
struct PromptStyle {
  std::string system;  // empty: there is no such message
  std::string user;

  bool operator==(const PromptStyle&) const = default;
};

// The text of a template for a row. kInvalidData: a field that the row does not have; kInvalidArgument: a
// part that is not closed, or closes what is not open. Pure.
Result<std::string> FillTemplate(std::string_view text, const RowFields& fields);

// The messages of a row in a style. Errors as FillTemplate.
Result<std::vector<Message>> MessagesOf(const PromptStyle& style, const RowFields& fields);

// A style from a TOML file with `user` and perhaps `system`. The first line break of a multi-line string is
// not part of it (TOML's rule). Errors name file and line.
Result<PromptStyle> LoadPromptStyle(const std::string& path);

// The name of the official prompt that the style writes to the byte ("opencompass aime"); empty if it writes
// none. The official texts are not part of this program: it has some rows of its own and the SHA-256 of the
// prompt that the official code makes of each, and compares all of those of one name. Prompts with chat
// markup in them are not among them. Pure.
std::string OfficialPromptName(const PromptStyle& style);

// The same by other rows than the built-in ones, one JSON object a line: `style`, `fields`, `user` and
// perhaps `system`, each the SHA-256 of that message.
std::string OfficialPromptName(const PromptStyle& style, std::string_view official_rows);

}  // namespace tessy
