#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace tessy {

// The prompt with every place ("{question}") replaced by its value. What looks like a place inside a value
// stays as it is. Pure.
std::string FillIn(std::string_view prompt,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> values);

}  // namespace tessy
