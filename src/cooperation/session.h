#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cooperation/trace.h"

namespace tessy {

// Where in the run's random stream a draft stands. The random number of a token is a pure function of
// (stream, offset, zero_byte_tokens) and nothing else, so results do not depend on batching, draft length or
// interruption (architecture, "Counter-based sampling").
struct DraftPosition {
  uint64_t stream = 0;            // run seed, question, sample, candidate, attempt, stage and role, folded
  uint64_t offset = 0;            // byte offset, in the text of the stage, at which the draft starts
  uint64_t zero_byte_tokens = 0;  // tokens of no bytes that stand before it at that offset
};

struct DraftRequest {
  uint32_t tokens_max = 1;
  DraftPosition position;
  // Stop after a token with which one of these becomes complete in this draft; may be empty. One that began
  // in an earlier draft is the caller's to find. Must outlive the draft.
  std::span<const std::string> stop_texts;
};

// At most tokens_max tokens; ends early after a token whose `end` is set, after a stop text, or when the
// context is full (then `context_full` is set and the tokens may be none).
struct Draft {
  std::vector<DraftToken> tokens;
  bool context_full = false;
};

// One model's view of one sample: its prompt with thinking opened, then the response so far, in the model's
// own tokens. What the model wrote stays the tokens it drew; what the other role wrote is tokenised once,
// piece by piece (see PieceSplitter), or taken over as ids where the vocabularies are the same. Destroying a
// session gives up its sequence and whatever it had asked for; callbacks never run after that. All calls and
// callbacks happen on the thread that drives the run; a callback never runs inside the call that asked for
// it.
class Session {
 public:
  using DraftDone = std::function<void(Result<Draft>)>;

  virtual ~Session() = default;

  // Draws tokens after everything fed and drafted so far; they stay in the view. One draft at a time.
  virtual void Generate(const DraftRequest& request, DraftDone done) = 0;
  // Takes in a draft that this model gave before an interruption, as if Generate had just given it: the view
  // is the same, and no token is drawn.
  virtual void Recall(std::span<const DraftToken> tokens) = 0;
  // Its span has ended: forgets the last `count` tokens drafted since it last listened, which may be none.
  virtual void Rollback(size_t count) = 0;
  // Takes in what the other role wrote, in order, within its current span.
  virtual void Listen(std::span<const DraftToken> tokens) = 0;
  // The other role's span has ended: the rest of what it wrote is one piece.
  virtual void EndListening() = 0;
  // Thinking is over. Makes the view end in thinking + hand-over, whatever of it (a close marker, newlines)
  // is there already, so that the next draft is the answer. `thinking` is the whole thinking's text,
  // `handover` the family's markup.
  virtual void OpenAnswer(std::string_view thinking, std::string_view handover) = 0;
  // Tokens that the context still holds.
  virtual size_t ContextLeft() const = 0;
  // Tokens that were written for this session and never given to a draft, since a span ended before them.
  virtual uint64_t SurplusTokens() const { return 0; }
};

}  // namespace tessy
