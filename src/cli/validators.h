#pragma once

#include <CLI/CLI.hpp>

namespace tessy {

// A whole number that 64 bits hold; CLI11's own takes -1 for 2^64 - 1.
CLI::Validator WholeNumber();

}  // namespace tessy
