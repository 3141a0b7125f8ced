#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// The text that a setting stands for: its value, or, where that is "@FILE", the file's text without the end
// of its last line. An error that names the file where it cannot be read, is blank, or is not UTF-8 without
// NUL characters.
Result<std::string> TextOrFile(const std::string& value);

}  // namespace tessy
