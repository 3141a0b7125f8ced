#pragma once

#include <string>
#include <string_view>

namespace tessy {

// A text file as its author means it: without the byte-order mark, and with LF for CRLF, which editors and
// systems add unasked. Pure.
std::string AsPlainText(std::string text);

// True if a file that begins so is a Git-LFS pointer, which stands for a file that was not fetched.
bool IsLfsPointer(std::string_view begin);
// The words for such a file.
inline constexpr std::string_view kLfsPointer =
    "is a Git-LFS pointer, not the file itself; fetch it with git lfs pull";

}  // namespace tessy
