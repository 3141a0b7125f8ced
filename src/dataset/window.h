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
  size_t words = 60;        // of a window (method, section 8); 0: the whole thinking is one
  size_t per_response = 4;  // at most
  size_t total = 0;         // in all, at most; 0: no limit
  uint64_t seed = 0;
};

// A place to be annotated: bytes of a thinking, with the whitespace before its first word, because tokens of
// most vocabularies carry the space before them.
struct Window {
  std::string id;       // "<trace id>#<index of the first word>"
  size_t thinking = 0;  // index
  ByteRange range;

  bool operator==(const Window&) const = default;
};

// Windows at random: different starts, each possible one as likely as any other, the thinking's start among
// them. A thinking that is shorter than a window is one. With `total`, first one of every thinking, then a
// second one, so that traces come as evenly as can be. What is drawn for a thinking depends on seed and its
// id alone. Ordered by thinking and place. Pure.
std::vector<Window> CutWindows(std::span<const Thinking> thinkings, const WindowOptions& options);

}  // namespace tessy
