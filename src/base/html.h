#pragma once

#include <string>
#include <string_view>

namespace tessy {

// The text as it may stand in an HTML element or in a quoted attribute: & < > " ' become references.
std::string EscapeHtml(std::string_view text);

}  // namespace tessy
