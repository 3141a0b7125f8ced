#pragma once

#include <string>

#include "base/error.h"

namespace tessy {

// The text that a setting stands for: its value; where that is "@FILE", the file's text without the end of
// its last line; where it begins with "@@", the value without the first @. An error where the file cannot be
// read, and where a text is blank or not UTF-8 without NUL characters; it names the file. An empty value is
// an empty text: nothing was given.
Result<std::string> TextOrFile(const std::string& value);

// A value that stands for the same text and names no file. A job takes it in place of what it was given, so
// that the file, which may be a pipe, is read once. Errors as those of TextOrFile.
Result<std::string> WithoutFile(const std::string& value);

// The path of the file that a value names; empty if it names none. Pure.
std::string FileOfText(const std::string& value);

}  // namespace tessy
