#pragma once

#include <string_view>

namespace tessy {

// The part of a model's answer that should be JSON: without blanks around it, and without the Markdown fence
// into which many models put JSON whatever they are told. A view into `answer`. Pure.
std::string_view JsonOfAnswer(std::string_view answer);

}  // namespace tessy
