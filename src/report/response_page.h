#pragma once

#include <string>

#include "dataset/response.h"

namespace tessy {

// One response as one HTML page that needs nothing else: no script, no network, dark or light as the reader's
// system, fit to print. All text of the response is escaped.
std::string RenderPage(const Response& response);

}  // namespace tessy
