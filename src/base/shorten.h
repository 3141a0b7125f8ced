#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tessy {

// Names, lists and lines that others chose, as long as a message can bear them. All are pure.

// The beginning of a text, of at most `bytes_max` bytes and whole characters, with "…" where more was there.
std::string Shortened(std::string_view text, size_t bytes_max = 80);

// "a, b, c": at most `most` names, each of them shortened, and how many more there are: ", and 12 more".
std::string ListShortened(std::span<const std::string> names, size_t most = 10);

// A line of any length as one of at most about 3,000 bytes: its beginning, how much is left out, and its end,
// which is where messages say how to mend.
std::string LineShortened(std::string_view line);

}  // namespace tessy
