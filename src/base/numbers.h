#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tessy {

// A size as people read it, in the binary unit that suits it: "0.8 KiB", "40.2 MiB", "17.2 GiB".
std::string FormatBytes(uint64_t bytes);

std::string WithThousands(uint64_t number);  // "12,345"

// "1 token", "12,345 tokens"; `plural` for a word that takes more than an s.
std::string Counted(uint64_t number, std::string_view thing, std::string_view plural = {});

// A duration in hours, minutes and seconds: "1:02:03", "2:03".
std::string Duration(double seconds);

// The double that is written like the float: 0.7 for 0.7F. (The float's own value as a double is
// 0.699999988….)
double Decimal(float value);

// The last number of a text, without a sign, which may be a dash: 8, 8.5, .5, 12,345. Nothing where there is
// none, or none that a double holds.
std::optional<double> LastNumberIn(std::string_view text);

}  // namespace tessy
