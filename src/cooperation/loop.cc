#include "cooperation/loop.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "cooperation/closing.h"
#include "cooperation/repetition.h"

namespace tessy {
namespace {

constexpr float kNotAsked = std::numeric_limits<float>::quiet_NaN();

const CutPolicy& PolicyOf(const LoopState& s) { return s.settings.cut[Index(s.speaker)]; }

SpanView ViewOf(const LoopState& s) {
  const bool by_token = s.open < s.span.size() && s.span[s.open].end != DraftToken::End::kNone;
  return {.text = s.text,
          .tokens = s.span,
          .ends = s.ends,
          .p_style = s.p_style,
          .open = s.open,
          .settled = s.settled,
          .ends_by_token = by_token,
          .speaker = s.speaker};
}

// Takes one drafted token in, and notes where the thinking ends. Tokens drafted after that end are not
// looked at.
void TakeIn(LoopState& s, const DraftToken& token) {
  const size_t looked_at = s.text.size();
  s.text += token.text;
  s.span.push_back(token);
  s.ends.push_back(s.text.size());
  s.p_style.push_back(kNotAsked);
  if (s.open + 1 < s.span.size()) return;
  if (token.end != DraftToken::End::kNone) return;
  s.closing_at = FindMarkerOfText(s.text, looked_at, s.settings.close_texts[Index(s.speaker)]);
  if (!s.closing_at) ++s.open;
}

void Absorb(LoopState& s, const Event& event) {
  if (const auto* drafted = std::get_if<Drafted>(&event)) {
    for (const DraftToken& token : drafted->draft.tokens) TakeIn(s, token);
    s.drafted_tokens += static_cast<uint32_t>(drafted->draft.tokens.size());
    s.context_full = drafted->draft.context_full;
  } else if (const auto* owners = std::get_if<Owners>(&event)) {
    TESSY_CHECK(owners->p_style.size() == s.asked.size());
    for (size_t i = 0; i < s.asked.size(); ++i) s.p_style[s.asked[i] - 1] = owners->p_style[i];
    s.asked.clear();
  }
}

// A predictor that answers with something else would be asked without end.
bool AnswersInNumbers(const Event& event) {
  const auto* owners = std::get_if<Owners>(&event);
  return owners == nullptr ||
         std::none_of(owners->p_style.begin(), owners->p_style.end(), [](float p) { return std::isnan(p); });
}

SpanKind KindOf(const LoopState& s) {
  if (!s.settings.cooperative) return SpanKind::kThinking;
  return s.speaker == Role::kStudent ? SpanKind::kStyle : SpanKind::kCapability;
}

uint32_t& TokensOfSpeaker(LoopState& s) { return s.tokens_by_role[Index(s.speaker)]; }

bool SpanHasText(const LoopState& s) { return !s.y.spans.empty() && s.y.spans.back().role == s.speaker; }

// y ← y + the tokens of the span up to `count`. False if the text now ends in a loop.
bool Keep(LoopState& s, Action& action, size_t count) {
  bool sound = true;
  for (; s.kept < count && sound; ++s.kept) {
    const DraftToken& token = s.span[s.kept];
    ++s.silent_tokens;
    ++TokensOfSpeaker(s);
    if (!token.text.empty() || SpanHasText(s)) {
      s.y.Append(s.speaker, KindOf(s), token.text, std::exchange(s.silent_tokens, 0));
    }
    action.kept.push_back(token);
    if (s.thinking_tokens() % kRepetitionCheckTokens == 0) sound = !EndsInLoop(s.y.text);
  }
  return sound;
}

Action Failure(Action action, FailureReason reason) {
  action.kind = Action::Kind::kFail;
  action.reason = reason;
  return action;
}

// A marker may arrive in pieces: the pieces that were kept are removed again. (If it began in an earlier
// span, that span keeps its token count.)
void DropKeptPieces(LoopState& s, size_t marker) {
  while (s.kept > 0 && s.ends[s.kept - 1] - s.span[s.kept - 1].text.size() >= marker) {
    --s.kept;
    --(SpanHasText(s) ? s.y.spans.back().tokens : s.silent_tokens);
    --TokensOfSpeaker(s);
  }
  s.y.Truncate(marker);
}

// Text after the marker is dropped; the text that its last token brought before the marker stays.
void DropMarker(LoopState& s, size_t marker) {
  const size_t token_begin = s.ends[s.open] - s.span[s.open].text.size();
  if (marker <= token_begin) return DropKeptPieces(s, marker);
  s.y.Append(s.speaker, KindOf(s), std::string_view(s.text).substr(token_begin, marker - token_begin),
             std::exchange(s.silent_tokens, 0) + 1);
  ++TokensOfSpeaker(s);
}

Action EndOfThinking(LoopState& s, Action action) {
  if (!s.closing_at && s.span[s.open].end == DraftToken::End::kSequence) {
    return Failure(std::move(action), FailureReason::kEndedInThinking);
  }
  if (s.closing_at) DropMarker(s, *s.closing_at);
  if (IsBlankText(s.y.text)) return Failure(std::move(action), FailureReason::kEmptyGeneration);
  action.kind = Action::Kind::kAnswer;
  action.role = s.speaker;
  return action;
}

void SwitchRoles(LoopState& s, Action& action, size_t cut) {
  action.span_ended = true;
  action.discarded = static_cast<uint32_t>(s.span.size() - cut);
  s.discarded_tokens += action.discarded;
  ++s.switches;
  s.text.resize(s.ends[cut - 1]);
  s.speaker = Other(s.speaker);
  s.span.clear();
  s.ends.clear();
  s.p_style.clear();
  s.kept = 0;
  s.silent_tokens = 0;
  s.settled = 0;
  s.open = 0;
  s.closing_at.reset();
  s.context_full = false;  // it was said of the other role's context
}

Action DraftNext(LoopState& s, Action action) {
  const auto pending = static_cast<uint32_t>(s.span.size() - s.kept);
  const uint32_t used = s.thinking_tokens() + pending;
  if (used >= s.settings.thinking_tokens_max)
    return Failure(std::move(action), FailureReason::kThinkingNotClosed);
  if (s.context_full) return Failure(std::move(action), FailureReason::kContextFull);
  action.kind = Action::Kind::kDraft;
  action.role = s.speaker;
  action.tokens_max = std::min(s.settings.draft_tokens, s.settings.thinking_tokens_max - used);
  return action;
}

}  // namespace

std::string_view Name(FailureReason reason) {
  switch (reason) {
    case FailureReason::kEmptyGeneration:
      return "empty_generation";
    case FailureReason::kEndedInThinking:
      return "ended_in_thinking";
    case FailureReason::kThinkingNotClosed:
      return "thinking_not_closed";
    case FailureReason::kContextFull:
      return "context_full";
    case FailureReason::kRepetition:
      return "repetition";
    case FailureReason::kAnswerNotFinished:
      return "answer_not_finished";
    case FailureReason::kBackendError:
      return "backend_error";
    case FailureReason::kThinkingWritten:
      return "thinking_written";
    case FailureReason::kPromptTooLong:
      return "prompt_too_long";
  }
  return "unknown";
}

std::optional<FailureReason> ReasonNamed(std::string_view name) {
  name = name.substr(0, name.find(':'));
  for (uint8_t i = 0; i <= static_cast<uint8_t>(FailureReason::kPromptTooLong); ++i) {
    if (Name(static_cast<FailureReason>(i)) == name) return static_cast<FailureReason>(i);
  }
  return std::nullopt;
}

LoopState::LoopState(LoopSettings loop_settings)
    : settings(std::move(loop_settings)), speaker(settings.first) {}

DraftPosition LoopState::Position(uint64_t stream) const {
  uint64_t zero_byte_tokens = 0;
  for (size_t i = span.size(); i > 0 && span[i - 1].text.empty(); --i) ++zero_byte_tokens;
  return {.stream = stream, .offset = text.size(), .zero_byte_tokens = zero_byte_tokens};
}

// Algorithm 1 of the paper, one event at a time.
Action Step(LoopState& s, const Event& event) {
  Action action;
  Absorb(s, event);  // draft ← speaker generates at most k tokens after (x, y)
  if (std::holds_alternative<Start>(event)) return DraftNext(s, std::move(action));
  if (!AnswersInNumbers(event)) return Failure(std::move(action), FailureReason::kBackendError);
  if (const auto* drafted = std::get_if<Drafted>(&event); drafted && drafted->draft.tokens.empty()) {
    return Failure(std::move(action),
                   s.context_full ? FailureReason::kContextFull : FailureReason::kEmptyGeneration);
  }

  Verdict verdict{.cut = {}, .certain = s.open};
  if (s.settings.cooperative) {
    s.asked = PlacesToAsk(ViewOf(s), PolicyOf(s));  // b ← boundary of draft by the speaker's predictor
    if (!s.asked.empty()) {
      action.kind = Action::Kind::kAsk;
      action.role = s.speaker;
      action.places = s.asked;
      return action;
    }
    verdict = JudgeSpan(ViewOf(s), PolicyOf(s));
    s.settled = verdict.settled;
  }

  const bool ended = !verdict.cut && s.open < s.span.size();
  if (!Keep(s, action, ended ? s.open : verdict.certain)) {  // y ← y + draft[0 : b]
    return Failure(std::move(action), FailureReason::kRepetition);
  }
  if (ended) return EndOfThinking(s, std::move(action));  // while thinking is not closed
  if (verdict.cut) {  // if the predictor gives the next token to the other role: speaker ← the other one
    if (EndsInLoop(s.y.text)) return Failure(std::move(action), FailureReason::kRepetition);
    SwitchRoles(s, action, *verdict.cut);
  }
  return DraftNext(s, std::move(action));
}

}  // namespace tessy
