#pragma once

#include <string>

namespace tessy {

// The file behind a link, or behind several, be it there or not; the path itself if it is no link.
std::string BehindLinks(const std::string& path);

}  // namespace tessy
