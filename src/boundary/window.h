#pragma once

#include <cstddef>

namespace tessy {

// First token of what a predictor reads of a response of `tokens` tokens: all of it up to 200 tokens, else
// the last 101 to 200 of them. A function of the length alone, so the answer does not depend on how the text
// came about; it moves once every 100 tokens, so that the cache is built anew no more often than that.
// (Method, section 4.)
constexpr size_t WindowBegin(size_t tokens) {
  constexpr size_t kWindow = 200;
  constexpr size_t kStride = 100;
  return tokens <= kWindow ? 0 : kStride * ((tokens - kWindow + kStride - 1) / kStride);
}
static_assert(WindowBegin(200) == 0 && WindowBegin(201) == 100 && WindowBegin(300) == 100 &&
              WindowBegin(301) == 200);

}  // namespace tessy
