#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "cooperation/closing.h"
#include "cooperation/loop.h"

// For tests: runs of the loop against made-up models and predictors. Every step is checked against the rules
// that must always hold.
namespace tessy {

// ---- A model's next act: it writes a token, stops short, or has no room.

struct Letter {
  enum class Does : uint8_t { kWrites, kStopsShort, kHasNoRoom };
  DraftToken token;
  Does does = Does::kWrites;
};

inline Letter Writes(std::string text) {
  return {.token = {.id = -1, .text = std::move(text), .end = DraftToken::End::kNone}};
}
inline Letter Closes() { return {.token = {.id = -1, .text = "", .end = DraftToken::End::kThinking}}; }
inline Letter EndsSequence() { return {.token = {.id = -1, .text = "", .end = DraftToken::End::kSequence}}; }
inline Letter StopsShort() { return {.token = {}, .does = Letter::Does::kStopsShort}; }
inline Letter HasNoRoom() { return {.token = {}, .does = Letter::Does::kHasNoRoom}; }

using Alphabet = std::vector<Letter>;

// ---- One run of the loop against a source of letters and labels.
//
// A source is a pure function of the beginning of the response. A Node names one beginning. After(node) is
// the letter that its speaker writes next, Next(node) is the beginning with that letter, Switched(node) is
// the beginning where the other role goes on from here, and IsOthers(node) is the answer of the speaker's
// predictor for the next token.

struct Finish {
  Action::Kind kind = Action::Kind::kFail;
  Role closed_by = Role::kStudent;
  FailureReason reason = FailureReason::kEmptyGeneration;
  Trace y;
  std::array<uint32_t, 2> tokens_by_role{};
  uint32_t switches = 0;

  bool operator==(const Finish&) const = default;
};

inline void PrintTo(const Finish& finish, std::ostream* out) {
  *out << (finish.kind == Action::Kind::kAnswer ? "answer after " : "failure: ");
  *out << (finish.kind == Action::Kind::kAnswer ? Name(finish.closed_by) : Name(finish.reason));
  for (const Span& span : finish.y.spans) {
    *out << " [" << Name(span.role) << ' ' << span.tokens << " \""
         << testing::PrintToString(finish.y.text.substr(span.begin, span.end - span.begin)) << "\"]";
  }
  *out << ' ' << finish.tokens_by_role[0] << '+' << finish.tokens_by_role[1] << " tokens, " << finish.switches
       << " switches";
}

template <class Source>
class Run {
 public:
  using Node = typename Source::Node;

  Run(Source& source, const LoopSettings& settings)
      : source_(source), state_(settings), nodes_{source.Root()} {}

  // Runs the loop to its end. Empty if everything held on every step, else the first rule that was broken.
  std::string Drive() {
    Event event = Start{};
    // Every step but two a token drafts or asks for something new.
    const uint64_t steps_max = 3 * (uint64_t{state_.settings.thinking_tokens_max} + 2) *
                               (uint64_t{state_.settings.draft_tokens} + 1);
    for (uint64_t steps = 0; steps < steps_max; ++steps) {
      speaker_ = state_.speaker;
      const Action action = Step(state_, event);
      if (std::string wrong = Check(action); !wrong.empty()) return wrong;
      if (action.span_ended) StartSpan(span_.size() - action.discarded);
      if (action.kind == Action::Kind::kAnswer || action.kind == Action::Kind::kFail) {
        finish_ = {.kind = action.kind,
                   .closed_by = action.role,
                   .reason = action.reason,
                   .y = state_.y,
                   .tokens_by_role = state_.tokens_by_role,
                   .switches = state_.switches};
        if (action.kind == Action::Kind::kAnswer) finish_.reason = {};
        if (action.kind == Action::Kind::kFail) finish_.closed_by = {};
        return {};
      }
      event = action.kind == Action::Kind::kDraft ? Event(Drafted{Write(action.tokens_max)})
                                                  : Event(Owners{Answer(action.places)});
    }
    return "the loop does not end";
  }

  const Finish& finish() const { return finish_; }
  const LoopState& state() const { return state_; }

 private:
  Draft Write(uint32_t tokens_max) {
    Draft draft;
    while (draft.tokens.size() < tokens_max) {
      const Letter& letter = source_.After(nodes_.back());
      draft.context_full = letter.does == Letter::Does::kHasNoRoom;
      if (letter.does != Letter::Does::kWrites) break;
      draft.tokens.push_back(letter.token);
      span_.push_back(letter.token);
      drafted_ += 1;
      nodes_.push_back(source_.Next(nodes_.back()));
      if (letter.token.end != DraftToken::End::kNone) break;
    }
    return draft;
  }

  std::vector<float> Answer(const std::vector<uint32_t>& places) {
    std::vector<float> p_style;
    for (const uint32_t place : places) {
      const bool others = source_.IsOthers(nodes_[place]);
      p_style.push_back(others == (speaker_ == Role::kStudent) ? 0.0F : 1.0F);
    }
    return p_style;
  }

  void StartSpan(size_t cut) {
    const Node end = nodes_[cut];
    span_.clear();
    nodes_.assign(1, source_.Switched(end));
    kept_of_span_ = 0;
  }

  std::string Check(const Action& action) {
    for (const DraftToken& token : action.kept) {
      if (kept_of_span_ >= span_.size() || !(span_[kept_of_span_] == token))
        return "kept what was not drafted";
      ++kept_of_span_;
      ++kept_;
      kept_text_ += token.text;
    }
    discarded_ += action.discarded;
    if (action.span_ended && kept_of_span_ + action.discarded != span_.size()) {
      return "a span ends with tokens that are neither kept nor discarded";
    }
    const bool answers = action.kind == Action::Kind::kAnswer;
    if (action.kind == Action::Kind::kAsk && (!action.kept.empty() || action.span_ended))
      return "keeps while it asks";
    const bool empty = action.kind == Action::Kind::kFail && action.reason == FailureReason::kEmptyGeneration;
    const bool by_text = (answers || empty) && state_.closing_at.has_value();
    if (std::string wrong = CheckTokens(action, by_text); !wrong.empty()) return wrong;
    return CheckSpans(answers);
  }

  std::string CheckTokens(const Action& action, bool by_text) {
    if (state_.drafted_tokens != drafted_) return "drafted tokens are miscounted";
    if (state_.discarded_tokens != discarded_) return "discarded tokens are miscounted";
    const uint64_t still_drafted = action.span_ended ? 0 : span_.size() - kept_of_span_;
    if (kept_ + discarded_ + still_drafted != drafted_)
      return "kept + discarded + still drafted is not drafted";
    if (kept_ > state_.settings.thinking_tokens_max) return "the budget is exceeded";
    if (!by_text && state_.y.text != kept_text_) return "the text is not what was kept";
    if (by_text && state_.y.text != (kept_text_ + span_[kept_of_span_].text).substr(0, *state_.closing_at)) {
      return "the text is not what stands before the marker";
    }
    if (by_text) return {};
    std::array<uint64_t, 2> tokens{};
    for (const Span& span : state_.y.spans) tokens[static_cast<size_t>(span.role)] += span.tokens;
    tokens[static_cast<size_t>(state_.speaker)] += state_.silent_tokens;
    if (tokens[0] != state_.tokens_by_role[0] || tokens[1] != state_.tokens_by_role[1]) {
      return "the spans' tokens are not the roles' tokens";
    }
    if (tokens[0] + tokens[1] != kept_) return "kept tokens are miscounted";
    return {};
  }

  std::string CheckSpans(bool answers) const {
    const Trace& y = state_.y;
    size_t end = 0;
    for (size_t i = 0; i < y.spans.size(); ++i) {
      const Span& span = y.spans[i];
      if (span.begin != end) return "spans do not tile the text";
      if (span.end <= span.begin) return "a span is empty";
      end = span.end;
      if (i == 0) continue;
      if (span.role == y.spans[i - 1].role) return "roles do not alternate";
      if (IncompleteTail(std::string_view(y.text).substr(0, span.begin)) != 0)
        return "a cut inside a character";
      if (y.spans[i - 1].tokens == 0) return "a span without tokens";
    }
    if (end != y.text.size()) return "spans do not tile the text";
    if (answers && FindMarker(y.text, 0, state_.settings.close_texts[static_cast<size_t>(state_.speaker)])) {
      return "a marker in the thinking";
    }
    return {};
  }

  Source& source_;
  LoopState state_;
  Role speaker_ = Role::kStudent;
  std::vector<Node> nodes_;       // nodes_[i]: after i tokens of the span
  std::vector<DraftToken> span_;  // as drafted
  size_t kept_of_span_ = 0;
  uint64_t kept_ = 0;
  uint64_t discarded_ = 0;
  uint64_t drafted_ = 0;
  std::string kept_text_;
  Finish finish_;
};

// Runs with every draft length. Empty if each run is sound and all runs end with the same result.
template <class Source>
std::string CompareDraftLengths(Source& source, LoopSettings settings,
                                std::span<const uint32_t> draft_lengths, Finish* first = nullptr) {
  Finish expected;
  for (const uint32_t k : draft_lengths) {
    settings.draft_tokens = k;
    Run<Source> run(source, settings);
    const std::string wrong = run.Drive();
    if (!wrong.empty()) return wrong + " (k = " + std::to_string(k) + ")";
    const bool at_tokens = std::ranges::all_of(settings.cut, [](const CutPolicy& policy) {
      return policy.rule == CutRule::kToken && policy.reads_tokens;
    });
    if (k == 1 && at_tokens && run.state().discarded_tokens > 0) {
      return "cutting at tokens, k = 1 discards something";
    }
    if (k == draft_lengths[0]) {
      expected = run.finish();
      if (first != nullptr) *first = expected;
    } else if (!(run.finish() == expected)) {
      return "k = " + std::to_string(k) + " comes to " + testing::PrintToString(run.finish()) +
             ", k = " + std::to_string(draft_lengths[0]) + " to " + testing::PrintToString(expected);
    }
  }
  return {};
}

inline LoopSettings SettingsWith(CutPolicy policy, uint32_t thinking_tokens_max) {
  LoopSettings settings;
  settings.thinking_tokens_max = thinking_tokens_max;
  settings.close_texts = {{{"</think>"}, {"</think>"}}};
  settings.cut = {policy, policy};
  return settings;
}

inline std::vector<CutPolicy> AllPolicies(std::initializer_list<uint32_t> min_span_tokens) {
  std::vector<CutPolicy> policies;
  for (const uint32_t min : min_span_tokens) {
    for (const CutRule rule : {CutRule::kToken, CutRule::kCompleteWord, CutRule::kDropWord}) {
      policies.push_back({.rule = rule, .min_span_tokens = min});
    }
    // Asked at places only, a predictor leaves nothing for the rule to move.
    policies.push_back({.rule = CutRule::kCompleteWord, .min_span_tokens = min, .reads_tokens = false});
  }
  return policies;
}

inline std::string Describe(const CutPolicy& policy) {
  return std::string(Name(policy.rule)) + (policy.reads_tokens ? "" : ", unshared") + ", at least " +
         std::to_string(policy.min_span_tokens);
}

}  // namespace tessy
