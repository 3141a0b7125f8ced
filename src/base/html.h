#pragma once

#include <string>
#include <string_view>

namespace tessy {

// As text of an element or of a quoted attribute: & < > " ' are written as references.
std::string EscapeHtml(std::string_view text);

}  // namespace tessy
