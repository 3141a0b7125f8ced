#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The names that a person who typed `wanted` may have meant, nearest first, at most `count`; none if all are
// far off.
std::vector<std::string> NearNames(std::string_view wanted, std::span<const std::string> names,
                                   size_t count = 3);

// "; did you mean a, b or c?", or nothing.
std::string DidYouMean(std::string_view wanted, std::span<const std::string> names);

}  // namespace tessy
