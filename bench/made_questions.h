#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tessy::bench {

// Made-up contest tasks as published collections have them: a frame that all share and a story of random
// words. Of every 100 about 37 have a companion: 6 the same text, 6 in other letters and white space, 10
// with one or two words changed, 6 with other numbers, 5 with every fourth word gone, 4 with an instruction
// put before. Shuffled; the same for the same count.
std::vector<std::string> MakeQuestions(size_t count);

}  // namespace tessy::bench
