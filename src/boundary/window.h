#pragma once

#include <cstddef>

namespace tessy {

// The index of the first token that a predictor reads of a response of `tokens` tokens (method, section 4).
// It reads the whole response up to 200 tokens, and the last 101 to 200 tokens of a longer one. The index
// depends on the length alone, so the answer does not depend on how the text was produced. It moves once
// every 100 tokens, so the cache is not rebuilt more often than that.
constexpr size_t WindowBegin(size_t tokens) {
  constexpr size_t kWindow = 200;
  constexpr size_t kStride = 100;
  return tokens <= kWindow ? 0 : kStride * ((tokens - kWindow + kStride - 1) / kStride);
}
static_assert(WindowBegin(200) == 0 && WindowBegin(201) == 100 && WindowBegin(300) == 100 &&
              WindowBegin(301) == 200);

}  // namespace tessy
