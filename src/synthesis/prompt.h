#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace tessy {

// The prompt with every place ("{question}") replaced by its value. What looks like a place inside a value
// stays as it is. Pure.
std::string FillIn(std::string_view prompt,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> values);

// The text of a prompt: of the file, which must have all `places` in it, or `built_in` where `path` is empty.
// kInvalidData names the file and the place.
Result<std::string> ReadPrompt(const std::string& path, std::string_view built_in,
                               std::initializer_list<std::string_view> places);

}  // namespace tessy
