#include "fuzz/entry.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tessy::fuzz {
namespace {

const Target* chosen = nullptr;

const Target& Chosen() {
  if (chosen != nullptr) return *chosen;
  const char* name = std::getenv("TESSY_FUZZ_TARGET");
  chosen = name == nullptr ? nullptr : FindTarget(name);
  if (chosen != nullptr) return *chosen;
  std::fputs("fuzz: TESSY_FUZZ_TARGET names no target\n", stderr);
  std::exit(2);
}

}  // namespace

void Choose(const Target& target) { chosen = &target; }

}  // namespace tessy::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tessy::fuzz::Chosen().run({reinterpret_cast<const char*>(data), size});
  return 0;
}
