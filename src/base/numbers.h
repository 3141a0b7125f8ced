#pragma once

#include <cstdint>
#include <string>

namespace tessy {

// A size for people, in the binary unit that suits it: "0.8 KiB", "40.2 MiB", "17.2 GiB".
std::string FormatBytes(uint64_t bytes);

// The number as people wrote it: 0.7 of 0.7F, which is not the nearest double of 0.7.
double Decimal(float value);

}  // namespace tessy
