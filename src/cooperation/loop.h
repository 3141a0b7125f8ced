#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cooperation/session.h"
#include "cooperation/trace.h"
#include "cooperation/verdict.h"

namespace tessy {

// The reason why an attempt at a sample failed (method, section 7, "What makes a sample fail").
enum class FailureReason : uint8_t {
  kEmptyGeneration,    // a draft, the thinking or the answer is empty
  kEndedInThinking,    // end of sequence before the thinking was closed
  kThinkingNotClosed,  // thinking budget used up
  kContextFull,        // the model's context is used up
  kRepetition,         // the text repeats itself in a loop
  kAnswerNotFinished,  // answer budget used up
  kBackendError,       // a backend failed, retries included
  kThinkingWritten,    // a model that was to answer without thinking wrote thinking
  kPromptTooLong,      // the prompt alone does not fit
};
std::string_view Name(FailureReason reason);  // "empty_generation", …
// The reason of that name, behind which details may follow: "prompt_too_long: 300 of 256 tokens".
std::optional<FailureReason> ReasonNamed(std::string_view name);

struct LoopSettings {
  uint32_t draft_tokens = 1;  // k; 1 writes nothing past a boundary but a token that completes a word
  uint32_t thinking_tokens_max = 38000;
  bool cooperative = true;  // false: `first` thinks alone
  Role first = Role::kStudent;
  // By role: the texts with which the role closes the thinking, and the policy that cuts its spans.
  std::array<std::vector<std::string>, 2> close_texts;
  std::array<CutPolicy, 2> cut;
};

// The action that the loop asks its driver for.
struct Action {
  enum class Kind : uint8_t { kDraft, kAsk, kAnswer, kFail };
  Kind kind = Kind::kDraft;
  Role role = Role::kStudent;    // who drafts, whose predictor is asked, who closed the thinking
  uint32_t tokens_max = 0;       // kDraft
  std::vector<uint32_t> places;  // kAsk: see BoundaryReader::Ask
  FailureReason reason = FailureReason::kEmptyGeneration;  // kFail

  // The outcome of the last draft. The driver applies it before the action itself.
  std::vector<DraftToken> kept;  // tokens of the drafting role that now stay in the response, in order
  bool span_ended = false;       // the span of that role ends after these tokens
  uint32_t discarded = 0;        // tokens at the end of its draft that the role must forget
};

struct Start {};
struct Drafted {
  Draft draft;
};
struct Owners {
  std::vector<float> p_style;  // one for each place asked
};
using Event = std::variant<Start, Drafted, Owners>;

// State of Algorithm 1 for one sample. Value type; only Step changes it.
struct LoopState {
  LoopSettings settings;

  Trace y;  // the text that is kept
  Role speaker = Role::kStudent;
  std::vector<DraftToken> span;  // tokens of the current span: `kept` of them are in y, the rest is drafted
  size_t kept = 0;
  std::string text;                  // y.text and the draft after it
  std::vector<size_t> ends;          // bytes of `text` through each token of the span
  std::vector<float> p_style;        // of the span's tokens, NaN where not asked
  std::vector<uint32_t> asked;       // places of the question under way
  size_t settled = 0;                // Verdict::settled of the span
  std::optional<size_t> closing_at;  // first byte of the close text, once it is complete
  size_t open = 0;  // tokens of the span before the one that ends the thinking; all, if none does
  bool context_full = false;

  std::array<uint32_t, 2> tokens_by_role{};  // kept, each in its writer's vocabulary
  uint32_t silent_tokens = 0;  // kept tokens of the span without text, before its first one with text
  uint32_t drafted_tokens = 0;
  uint32_t discarded_tokens = 0;
  uint32_t switches = 0;

  explicit LoopState(LoopSettings loop_settings);
  uint32_t thinking_tokens() const { return tokens_by_role[0] + tokens_by_role[1]; }
  // Where the next draft stands in the thinking's random stream.
  DraftPosition Position(uint64_t stream) const;
};

// One step of Algorithm 1: takes the event that happened and returns the action that is next. Pure: no
// clock, no input or output, no randomness. The first event is Start. After kAnswer or kFail the loop is
// over.
Action Step(LoopState& state, const Event& event);

}  // namespace tessy
