#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/words.h"
#include "dataset/thinking.h"

namespace tessy {

struct WindowOptions {
  size_t words = 60;        // in a window (method, section 8); 0: the whole thinking is one window
  size_t per_response = 4;  // windows of one response, at most
  size_t total = 0;         // windows in all, at most; 0: no limit
  uint64_t seed = 0;
};

// A place in a thinking that is to be annotated. Its bytes include the whitespace before its first word,
// because the tokens of most vocabularies carry the space before a word.
struct Window {
  std::string id;       // "<trace id>#<index of the first word>"
  size_t thinking = 0;  // index of the thinking
  ByteRange range;

  bool operator==(const Window&) const = default;
};

// Cuts windows at random places. The windows of a thinking start at different words, and every possible
// start is as likely as any other, the start of the thinking included. A thinking that is shorter than a
// window is one window. With `total`, every thinking gets a first window before any gets a second one, so
// the traces are represented as evenly as possible. The windows of a thinking depend on the seed and its id
// alone. The result is ordered by thinking and place. Pure.
std::vector<Window> CutWindows(std::span<const Thinking> thinkings, const WindowOptions& options);

}  // namespace tessy
