#pragma once

namespace tessy {

struct SynthResult;

// Says on standard error how a synthesis ended. The exit status.
int Conclude(const SynthResult& result);

}  // namespace tessy
