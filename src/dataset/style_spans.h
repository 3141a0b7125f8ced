#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/annotation.h"

namespace tessy {

// An annotator's answer for a window, read strictly: a JSON array of texts and nothing else around it, each
// found in the window at or after the end of the one before it (method, section 8). [] is an answer: no style
// here. A span's own blanks at its ends are left out of the range. The error (kInvalidData) begins with the
// reason's name, so that reasons can be counted:
//   not_json, not_an_array, not_texts, empty_span, bad_utf8, not_found, out_of_order, too_long
// `answer` may be any bytes of any size; an answer longer than 64 times the window (and 64 KiB) is too_long.
Result<std::vector<ByteRange>> LocateStyle(std::string_view window, std::string_view answer);

}  // namespace tessy
