#include "cooperation/verdict.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace tessy {
namespace {

// The smallest number of tokens with which the span is long enough to end; open + 1 if it is not long enough
// yet.
size_t FirstCandidate(const SpanView& span, const CutPolicy& policy) {
  uint32_t with_text = 0;
  for (size_t i = 1; i <= span.open; ++i) {
    with_text += span.tokens[i - 1].text.empty() ? 0 : 1;
    if (with_text >= policy.min_span_tokens && with_text > 0) return i;
  }
  return span.open + 1;
}

bool BelongsToOther(const SpanView& span, const CutPolicy& policy, size_t i) {
  const float p = span.p_style[i - 1];
  if (std::isnan(p)) return false;
  const bool style = p >= policy.style_threshold;
  return style != (span.speaker == Role::kStudent);
}

// The first place that is not settled yet, so that judging a span costs only what its new tokens cost.
size_t FirstUnsettled(const SpanView& span, const CutPolicy& policy) {
  return std::max(FirstCandidate(span, policy), span.settled + 1);
}

// The number of tokens after which the predictor first gave the next one to the other role; 0 if it never
// did.
size_t FirstDue(const SpanView& span, const CutPolicy& policy) {
  for (size_t i = FirstUnsettled(span, policy); i <= span.open; ++i) {
    if (BelongsToOther(span, policy, i)) return i;
  }
  return 0;
}

bool EndsInsideCharacter(const SpanView& span, size_t i) {
  return IncompleteTail(span.text.substr(0, span.ends[i - 1])) != 0;
}

Verdict JudgeAtTokens(const SpanView& span, size_t due) {
  if (due == 0) return {.cut = {}, .certain = span.open};
  for (size_t i = due; i <= span.open; ++i) {
    if (!EndsInsideCharacter(span, i)) return {.cut = i, .certain = i};
  }
  return {.cut = {}, .certain = span.open};
}

// The first cut place at or after `from`. Until it is known, only the tokens before the first open question
// stay.
Verdict FirstPlaceFrom(const SpanView& span, size_t from) {
  for (size_t i = from; i <= span.open; ++i) {
    const auto place = PlaceAfter(span, i);
    if (!place) return {.cut = {}, .certain = i};
    if (*place) return {.cut = i, .certain = i};
  }
  return {.cut = {}, .certain = span.open};
}

// The last cut place known in [first, last]; 0 if there is none.
size_t LastPlaceIn(const SpanView& span, size_t first, size_t last) {
  for (size_t i = last; i >= first && i > 0; --i) {
    if (PlaceAfter(span, i).value_or(false)) return i;
  }
  return 0;
}

bool AllKnownIn(const SpanView& span, size_t first, size_t last) {
  for (size_t i = first; i <= last; ++i) {
    if (!PlaceAfter(span, i)) return false;
  }
  return true;
}

Verdict JudgeDroppingWord(const SpanView& span, const CutPolicy& policy, size_t due) {
  const size_t first = FirstCandidate(span, policy);
  const size_t last_place = LastPlaceIn(span, first, due == 0 ? span.open : due);
  if (due == 0 || !AllKnownIn(span, first, due)) {
    // A word that begins after the last place may still be dropped. If there is no place, that holds for all
    // that follows the first open question.
    return {.cut = {}, .certain = last_place != 0 ? last_place : FirstPlaceFrom(span, first).certain};
  }
  if (last_place != 0) return {.cut = last_place, .certain = last_place};
  return FirstPlaceFrom(span, due);
}

// For a predictor that is asked at cut places only, the place that is due is the cut.
Verdict JudgeAtPlaces(const SpanView& span, const CutPolicy& policy, size_t due) {
  if (due != 0) return {.cut = due, .certain = due};
  for (size_t i = FirstUnsettled(span, policy); i <= span.open; ++i) {
    if (!PlaceAfter(span, i)) return {.cut = {}, .certain = i, .settled = i - 1};
  }
  return {.cut = {}, .certain = span.open, .settled = span.open};
}

}  // namespace

std::optional<bool> PlaceAfter(const SpanView& span, size_t i) {
  const size_t end = span.ends[i - 1];
  const bool last_open = end == (span.open == 0 ? 0 : span.ends[span.open - 1]);
  if (last_open && span.ends_by_token) return !EndsInsideCharacter(span, i);
  const std::string_view after = span.text.substr(end);
  if (after.empty() || IncompleteTail(after) == after.size()) {
    // Once the thinking has ended, no text will follow that could make this a cut place.
    return span.open < span.tokens.size() ? std::optional(false) : std::nullopt;
  }
  return IsCutPlace(span.text.substr(0, end), after);
}

std::vector<uint32_t> PlacesToAsk(const SpanView& span, const CutPolicy& policy) {
  std::vector<uint32_t> places;
  for (size_t i = FirstUnsettled(span, policy); i <= span.open; ++i) {
    if (BelongsToOther(span, policy, i)) break;  // what comes after the first boundary does not matter
    if (!std::isnan(span.p_style[i - 1])) continue;
    if (policy.reads_tokens || PlaceAfter(span, i).value_or(false))
      places.push_back(static_cast<uint32_t>(i));
  }
  return places;
}

Verdict JudgeSpan(const SpanView& span, const CutPolicy& policy) {
  const size_t due = FirstDue(span, policy);
  if (!policy.reads_tokens) return JudgeAtPlaces(span, policy, due);
  Verdict verdict;
  switch (policy.rule) {
    case CutRule::kToken:
      verdict = JudgeAtTokens(span, due);
      break;
    case CutRule::kCompleteWord:
      verdict = due == 0 ? Verdict{.cut = {}, .certain = span.open} : FirstPlaceFrom(span, due);
      break;
    case CutRule::kDropWord:
      verdict = JudgeDroppingWord(span, policy, due);
      break;
  }
  // Every token has its answer. The tokens up to the one that is due are the speaker's.
  verdict.settled = due == 0 ? span.open : due - 1;
  return verdict;
}

}  // namespace tessy
