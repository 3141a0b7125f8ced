#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/loop.h"

namespace tessy {

// Appends an event of the loop as bytes, about a dozen for each token. Events are what a model drafted and
// what a predictor said; from the same events Step comes to the same state. Ids and lengths are base-128
// numbers, probabilities are IEEE 754 singles; the bytes do not depend on the machine. Start has no bytes.
void AppendEvent(std::string& bytes, const Event& event);

// Reads the events back. Nothing if the bytes are not what AppendEvent makes.
std::optional<std::vector<Event>> ParseEvents(std::string_view bytes);

}  // namespace tessy
