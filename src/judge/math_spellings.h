#pragma once

#include <optional>
#include <string_view>

namespace tessy {

// How PlainMath writes a command of LaTeX, given without its backslash ("leqslant": "<="), or a character
// that is not ASCII ("−": "-"); nothing where it stays as it is.
std::optional<std::string_view> PlainCommand(std::string_view name);
std::optional<std::string_view> PlainCharacter(char32_t character);

}  // namespace tessy
