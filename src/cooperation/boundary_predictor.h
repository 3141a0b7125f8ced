#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

// Answers who owns the next token. One reader follows one response for the predictor of one role (B_S or
// B_T). It reads the response without the question (method, section 4). The rules of Session about threads
// and callbacks hold here too.
class BoundaryReader {
 public:
  // The probabilities that the next token is style, one for each place asked, in [0, 1].
  using AskDone = std::function<void(Result<std::vector<float>>)>;

  virtual ~BoundaryReader() = default;

  // Adds tokens that `writer` wrote to the current span.
  virtual void Append(Role writer, std::span<const DraftToken> tokens) = 0;
  // Forgets the last `count` tokens appended to the current span.
  virtual void Rollback(size_t count) = 0;
  // The current span is complete; the other role writes the next one.
  virtual void EndSpan() = 0;
  // Asks for the places after the first places[i] tokens of the current span (ascending, each at least 1, at
  // most the tokens appended). One question at a time.
  virtual void Ask(std::span<const uint32_t> places, AskDone done) = 0;
  // True where the predictor reads `writer`'s own tokens, so that it can be asked after any of them; false
  // where it tokenises the text itself and may be asked only at cut places.
  virtual bool ReadsTokensOf(Role writer) const = 0;
};

}  // namespace tessy
