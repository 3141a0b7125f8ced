#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/target.h"

namespace tessy::fuzz {

// The target that LLVMFuzzerTestOneInput runs. Without a call it is the one that $TESSY_FUZZ_TARGET names, as
// under libFuzzer, whose own `main` knows no targets.
void Choose(const Target& target);

}  // namespace tessy::fuzz

// libFuzzer's entry (llvm.org/docs/LibFuzzer.html): one run on these bytes. Always 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
