#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cooperation/cut.h"
#include "cooperation/trace.h"

namespace tessy {

// The current span as far as it is drafted, with the answers of the speaker's predictor. "After i tokens"
// counts from the start of the span, from 1 to tokens.size().
struct SpanView {
  std::string_view text;               // the thinking, this span's drafted tokens included
  std::span<const DraftToken> tokens;  // of this span
  std::span<const size_t> ends;        // ends[i]: bytes of `text` through tokens[i]
  std::span<const float> p_style;      // p_style[i]: P(style) after i + 1 tokens; NaN where not asked yet
  size_t open = 0;     // tokens before the one that ends the thinking or the sequence, if there is one
  size_t settled = 0;  // Verdict::settled of the last judgement of this span
  bool ends_by_token = false;  // the token at `open` is a close or end-of-sequence token
  Role speaker = Role::kStudent;
};

struct CutPolicy {
  CutRule rule = CutRule::kCompleteWord;
  uint32_t min_span_tokens = 1;  // tokens with text that a span keeps at least (method, section 4)
  float style_threshold = 0.5F;
  bool reads_tokens =
      true;  // the speaker's predictor reads the speaker's own tokens (BoundaryReader::ReadsTokensOf)
};

// True if the position after i tokens is a cut place; empty if what follows is not known yet. A close or end
// token after the position completes the word.
std::optional<bool> PlaceAfter(const SpanView& span, size_t i);

// The places that the predictor must be asked for before anything can be decided, ascending. There are none
// if everything that matters is known.
std::vector<uint32_t> PlacesToAsk(const SpanView& span, const CutPolicy& policy);

struct Verdict {
  std::optional<size_t> cut;  // the span ends after this many tokens and the other role goes on
  size_t certain = 0;         // tokens that stay, whatever is drafted after them
  size_t settled = 0;         // no boundary is after any of these tokens: they need not be looked at again
};

// The boundary of the draft, moved to a place where a cut may fall. It is a pure function of the tokens
// drafted so far and does not depend on how they were divided into drafts: more tokens never change what was
// decided from the first ones. PlacesToAsk must be empty.
Verdict JudgeSpan(const SpanView& span, const CutPolicy& policy);

}  // namespace tessy
