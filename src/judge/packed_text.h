#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tessy {

// Reads text that Python's pickle wrote, without executing anything. Everything here is pure.

// The one string of a pickle of protocols 1 to 5. Only the opcodes that a lone string needs are known: PROTO,
// FRAME, SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, MEMOIZE, BINPUT, LONG_BINPUT, STOP. Every other one,
// above all those that import or call, is an error that names it. What follows STOP is passed over, as Python
// does. A view of `pickle`.
Result<std::string_view> StringOfPickle(std::string_view pickle);

// The text of base64 of zlib of such a pickle, as LiveCodeBench packs its private tests. Blanks in the base64
// are free. Refused where it would unpack to more than `bytes_max` bytes, before that much memory is taken.
Result<std::string> UnpackedText(std::string_view base64, size_t bytes_max);

}  // namespace tessy
