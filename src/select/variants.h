#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "select/compared_text.h"

namespace tessy {

// For every text of one cluster the place of the one that stands for it; a text that is kept stands for
// itself. The first text is kept, and so is every text that is another one of the cluster but for its
// numbers, unless a kept one has the same list of numbers: such texts are variants of a formula, and ask
// different things. Any other text belongs to the kept one with its numbers, or else to the first.
// `cluster`: its texts in the order of the sources. Pure; for n texts it takes n steps.
std::vector<size_t> StandInsOf(std::span<const NumbersApart> cluster);

}  // namespace tessy
