#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/loop.h"

namespace tessy {

// Events of the loop as bytes, a dozen a token: what a model drafted and what a predictor said, from which
// Step comes to the same state again. Ids and lengths are base-128 numbers, probabilities IEEE 754 singles,
// all of it independent of the machine. Start has no bytes.
void AppendEvent(std::string& bytes, const Event& event);

// None where the bytes are not what AppendEvent makes.
std::optional<std::vector<Event>> ParseEvents(std::string_view bytes);

}  // namespace tessy
