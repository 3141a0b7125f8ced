#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tessy {

// Where the choices of a question stand: position i of the list shows the original choice order[i]; the
// original choice 0 is the right one. Everything here is pure.
using ChoiceOrder = std::array<uint32_t, 4>;

// The letter under which the right choice stands: 'A' … 'D'.
char RightLetter(const ChoiceOrder& order);

// OpenCompass's order of GPQA: the lists rotate from row to row, so that row 0 has the right choice under D,
// row 1 under C, and so on.
ChoiceOrder RotatedOrder(size_t row);

// simple-evals' orders: those of Python's random.Random(0), one sample(range(4), 4) a row. Its repetitions go
// on in the same stream, all rows before the next repetition. The first `count` of them.
std::vector<ChoiceOrder> PythonRandomOrders(size_t count);

}  // namespace tessy
