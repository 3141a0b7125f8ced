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

// The place of a draft in the run's random stream. The random number of a token is a pure function of
// (stream, offset, zero_byte_tokens) and nothing else, so results do not depend on batching, draft length or
// interruption.
struct DraftPosition {
  uint64_t stream = 0;            // run seed, question, sample, candidate, attempt, stage and role, folded
  uint64_t offset = 0;            // byte offset, in the text of the stage, at which the draft starts
  uint64_t zero_byte_tokens = 0;  // tokens of no bytes that stand before it at that offset
};

struct DraftRequest {
  uint32_t tokens_max = 1;
  DraftPosition position;
  // The draft stops after the token that completes one of these texts; the list may be empty. A text that
  // began in an earlier draft is for the caller to find. The texts must outlive the draft.
  std::span<const std::string> stop_texts;
};

// A draft has at most tokens_max tokens. It ends early after a token whose `end` is set, after a stop text,
// or when the context is full: then `context_full` is set, and there may be no tokens at all.
struct Draft {
  std::vector<DraftToken> tokens;
  bool context_full = false;
};

// One model's view of one sample: its prompt with thinking opened, then the response so far, in the model's
// own tokens. The text that the model wrote stays as the tokens it drew. The text that the other role wrote
// is tokenised once, piece by piece (see PieceSplitter), or taken over as ids where both roles share a
// vocabulary. Destroying a session gives up its sequence and everything it had asked for; callbacks never
// run after that. All calls and callbacks happen on the thread that drives the run. A callback never runs
// inside the call that asked for it.
class Session {
 public:
  using DraftDone = std::function<void(Result<Draft>)>;

  virtual ~Session() = default;

  // Draws tokens after everything fed and drafted so far; they stay in the view. One draft at a time.
  virtual void Generate(const DraftRequest& request, DraftDone done) = 0;
  // Takes in a draft that this model gave before an interruption, as if Generate had just given it: the view
  // is the same, and no token is drawn.
  virtual void Recall(std::span<const DraftToken> tokens) = 0;
  // This model's span has ended: forgets the last `count` tokens drafted since it last listened (0 or more).
  virtual void Rollback(size_t count) = 0;
  // Takes in tokens that the other role wrote, in order, within that role's current span.
  virtual void Listen(std::span<const DraftToken> tokens) = 0;
  // The other role's span has ended: the text of it that is not tokenised yet is its last piece.
  virtual void EndListening() = 0;
  // Thinking is over: makes the view end in the thinking and the hand-over, so that the next draft is the
  // answer. The part of the hand-over that the view ends in already (a close marker, newlines) is not
  // repeated. `thinking` is the text of the whole thinking, `handover` the family's markup. Both are empty
  // where the answer is asked for alone: a close token that the model draws there is told as the end of a
  // thinking (DraftToken::End::kThinking), since it may have no text, and the next draft goes on behind it.
  virtual void OpenAnswer(std::string_view thinking, std::string_view handover) = 0;
  // The number of tokens that a server wrote for this session and no draft took, because a span ended before
  // them.
  virtual uint64_t SurplusTokens() const { return 0; }
};

}  // namespace tessy
