#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "dataset/json_fields.h"
#include "dataset/response.h"

namespace tessy {

// The `spans` of a row, for the .cc files of this folder. `code_points`: of the content that they point into.
// They must ascend, not overlap and lie in the content. With `counts_tokens` each must tell its tokens.
Status ReadResponseSpans(const Json& list, size_t code_points, bool counts_tokens,
                         std::vector<ResponseSpan>& spans);

// A row of ours that is parsed already. `line`: as it is written. Errors as ParseResponse.
Result<Response> ParseResponse(const Json& row, std::string_view line);

}  // namespace tessy
