#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tessy {

// The offset of the first marker in `text`, if one is complete there. Only markers that end after `from` are
// looked for, so a caller who has looked at the first `from` bytes pays for the new ones alone. A marker
// that arrives in pieces is found with its last piece. Empty markers are ignored. Pure.
std::optional<size_t> FindMarker(std::string_view text, size_t from, std::span<const std::string> markers);

// As FindMarker, in a whole text: a marker that begins with newlines, and so means the begin of a line, is
// found at the begin of the text without them, too. Pure.
std::optional<size_t> FindMarkerOfText(std::string_view text, size_t from,
                                       std::span<const std::string> markers);

}  // namespace tessy
