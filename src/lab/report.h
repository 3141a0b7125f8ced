#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dataset/response.h"

namespace tessy {

// Renders the results.json of `tessy lab run` for a terminal. This function and the next are pure; a missing
// key leaves a blank.
std::string RenderLabTable(std::string_view results_json);

// One self-contained page: the table beside the paper's Table 1, accuracy by step, loss curves, similarity,
// token shares and lengths, and one trace of each method. No script; light and dark as the reader's system
// is.
std::string RenderLabReport(std::string_view results_json, std::span<const Response> traces);

}  // namespace tessy
