#pragma once

#include <string>
#include <string_view>

namespace tessy {

// Text from a model, a file or a stranger, as it may be shown to a person: whatever could drive a terminal or
// hide or reorder text (control characters, bidirectional overrides, invisible characters) is written out as
// <U+001B>. Bytes that are not UTF-8 become U+FFFD. Newlines and tabs stay.
std::string Visible(std::string_view text);

// The same for what must stay on one line: newlines and tabs are written out, too.
std::string VisibleLine(std::string_view text);

}  // namespace tessy
