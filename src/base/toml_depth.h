#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace tessy {

// An error, with file and line, for TOML of more than kNestingMax levels: of lists and inline tables, of the
// parts of a dotted key, or of a table's name; inline tables count with the parts of the keys before them.
// The parser, and what walks over its tables, call themselves for each level. Looks at brackets, dots and
// quotes alone, so the text need not be valid TOML. Pure; time grows with the text's length.
Status CheckTomlNesting(std::string_view toml, std::string_view origin);

}  // namespace tessy
