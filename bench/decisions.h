#pragma once

#include <cstddef>

namespace tessy::bench {

// CPU-seconds of the loop's own decisions for one span of this many tokens that no boundary ends, drafted one
// by one: no model, no predictor. `reads_tokens`: the predictor reads the speaker's tokens and is asked after
// each; otherwise at cut places only.
double MeasureDecisions(size_t tokens, bool reads_tokens);

}  // namespace tessy::bench
