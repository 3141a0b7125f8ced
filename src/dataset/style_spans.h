#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/annotation.h"

namespace tessy {

// Reads an annotator's answer for a window. The answer must be a JSON array of texts with nothing around it
// but a Markdown fence, and each text must be found in the window at or after the end of the one before it
// (method, section 8). [] is a valid answer: the window has no style. Blanks at the ends of a span are left
// out of its range. The error (kInvalidData) begins with the name of the reason, so that reasons can be
// counted:
//   not_json, not_an_array, not_texts, empty_span, bad_utf8, not_found, out_of_order, too_long
// `answer` may hold any bytes. An answer longer than 64 times the window (and than 64 KiB) is too_long.
Result<std::vector<ByteRange>> LocateStyle(std::string_view window, std::string_view answer);

}  // namespace tessy
