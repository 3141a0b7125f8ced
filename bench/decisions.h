#pragma once

#include <cstddef>

namespace tessy::bench {

// The CPU seconds that the loop's own decisions take for one span of this many tokens that no boundary ends,
// drafted one by one, without model or predictor. If `reads_tokens`, the predictor reads the speaker's
// tokens and is asked after each; otherwise it is asked at cut places only.
double MeasureDecisions(size_t tokens, bool reads_tokens);

}  // namespace tessy::bench
