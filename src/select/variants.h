#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "select/compared_text.h"

namespace tessy {

// For every text of one cluster the place of the one that stands for it; a text that is kept stands for
// itself. Texts that are other ones of the cluster but for their numbers are variants of a formula, and ask
// different things: of every list of numbers that a variant has, one text is kept, and it stands for all that
// have these numbers. A text with other numbers that is no variant belongs to the kept list with the least
// hash. Without variants one text stands for all.
//
// Which texts belong together does not depend on their order. Of those that do, the first variant is kept, or
// else the first text. `cluster`: its texts in the order of the sources. Pure; for n texts it takes n steps.
std::vector<size_t> StandInsOf(std::span<const NumbersApart> cluster);

// For every kept text the place of the first kept one that is the same but for the numbers; itself where
// there is none before it. Of other texts itself. `stand_ins`: as StandInsOf gives them. Pure.
std::vector<size_t> FirstVariantsOf(std::span<const NumbersApart> cluster, std::span<const size_t> stand_ins);

}  // namespace tessy
