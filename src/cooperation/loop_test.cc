#include "cooperation/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/closing.h"
#include "cooperation/cut.h"
#include "cooperation/repetition.h"

namespace tessy {
namespace {

using End = DraftToken::End;

constexpr Role kStudent = Role::kStudent;
constexpr Role kTeacher = Role::kTeacher;

// ---- What a model may do next: write a token, stop short, or have no room.

struct Letter {
  enum class Does : uint8_t { kWrites, kStopsShort, kHasNoRoom };
  DraftToken token;
  Does does = Does::kWrites;
};

Letter Writes(std::string text) { return {.token = {.id = -1, .text = std::move(text), .end = End::kNone}}; }
Letter Closes() { return {.token = {.id = -1, .text = "", .end = End::kThinking}}; }
Letter EndsSequence() { return {.token = {.id = -1, .text = "", .end = End::kSequence}}; }
Letter StopsShort() { return {.token = {}, .does = Letter::Does::kStopsShort}; }
Letter HasNoRoom() { return {.token = {}, .does = Letter::Does::kHasNoRoom}; }

using Alphabet = std::vector<Letter>;

// ---- One run of the loop against a source of letters and labels.
//
// A source is a pure function of the beginning of the response: Node names one; After(node) is the letter that its
// speaker writes next, Next(node) the beginning with it, Switched(node) the one where the other role goes on from here,
// IsOthers(node) what the speaker's predictor says of the next token.

struct Finish {
  Action::Kind kind = Action::Kind::kFail;
  Role closed_by = kStudent;
  FailureReason reason = FailureReason::kEmptyGeneration;
  Trace y;
  std::array<uint32_t, 2> tokens_by_role{};
  uint32_t switches = 0;

  bool operator==(const Finish&) const = default;
};

void PrintTo(const Finish& finish, std::ostream* out) {
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

  Run(Source& source, const LoopSettings& settings) : source_(source), state_(settings), nodes_{source.Root()} {}

  // Empty where all that must hold on every step did.
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
        finish_ = {.kind = action.kind, .closed_by = action.role, .reason = action.reason, .y = state_.y,
                   .tokens_by_role = state_.tokens_by_role, .switches = state_.switches};
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
      if (letter.token.end != End::kNone) break;
    }
    return draft;
  }

  std::vector<float> Answer(const std::vector<uint32_t>& places) {
    std::vector<float> p_style;
    for (const uint32_t place : places) {
      const bool others = source_.IsOthers(nodes_[place]);
      p_style.push_back(others == (speaker_ == kStudent) ? 0.0F : 1.0F);
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
      if (kept_of_span_ >= span_.size() || !(span_[kept_of_span_] == token)) return "kept what was not drafted";
      ++kept_of_span_;
      ++kept_;
      kept_text_ += token.text;
    }
    discarded_ += action.discarded;
    if (action.span_ended && kept_of_span_ + action.discarded != span_.size()) {
      return "a span ends with tokens that are neither kept nor discarded";
    }
    const bool answers = action.kind == Action::Kind::kAnswer;
    if (action.kind == Action::Kind::kAsk && (!action.kept.empty() || action.span_ended)) return "keeps while it asks";
    const bool empty = action.kind == Action::Kind::kFail && action.reason == FailureReason::kEmptyGeneration;
    const bool by_text = (answers || empty) && state_.closing_at.has_value();
    if (std::string wrong = CheckTokens(action, by_text); !wrong.empty()) return wrong;
    return CheckSpans(answers);
  }

  std::string CheckTokens(const Action& action, bool by_text) {
    if (state_.drafted_tokens != drafted_) return "drafted tokens are miscounted";
    if (state_.discarded_tokens != discarded_) return "discarded tokens are miscounted";
    const uint64_t still_drafted = action.span_ended ? 0 : span_.size() - kept_of_span_;
    if (kept_ + discarded_ + still_drafted != drafted_) return "kept + discarded + still drafted is not drafted";
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
      if (IncompleteTail(std::string_view(y.text).substr(0, span.begin)) != 0) return "a cut inside a character";
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
  Role speaker_ = kStudent;
  std::vector<Node> nodes_;       // nodes_[i]: after i tokens of the span
  std::vector<DraftToken> span_;  // as drafted
  size_t kept_of_span_ = 0;
  uint64_t kept_ = 0;
  uint64_t discarded_ = 0;
  uint64_t drafted_ = 0;
  std::string kept_text_;
  Finish finish_;
};

// Runs with every draft length; empty where each run is sound and all come to the same.
template <class Source>
std::string CompareDraftLengths(Source& source, LoopSettings settings, std::span<const uint32_t> draft_lengths,
                                Finish* first = nullptr) {
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
      return "k = " + std::to_string(k) + " comes to " + testing::PrintToString(run.finish()) + ", k = " +
             std::to_string(draft_lengths[0]) + " to " + testing::PrintToString(expected);
    }
  }
  return {};
}

LoopSettings SettingsWith(CutPolicy policy, uint32_t thinking_tokens_max) {
  LoopSettings settings;
  settings.thinking_tokens_max = thinking_tokens_max;
  settings.close_texts = {{{"</think>"}, {"</think>"}}};
  settings.cut = {policy, policy};
  return settings;
}

std::vector<CutPolicy> AllPolicies(std::initializer_list<uint32_t> min_span_tokens) {
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

std::string Describe(const CutPolicy& policy) {
  return std::string(Name(policy.rule)) + (policy.reads_tokens ? "" : ", unshared") + ", at least " +
         std::to_string(policy.min_span_tokens);
}

TEST(Step, FailsWhereAPredictorDoesNotAnswerInNumbers) {
  LoopState state(SettingsWith({.rule = CutRule::kToken}, 10));
  Step(state, Start{});
  const Action ask = Step(state, Drafted{{.tokens = {{.id = -1, .text = "So", .end = End::kNone}}}});
  ASSERT_EQ(ask.kind, Action::Kind::kAsk);
  const Action failed = Step(state, Owners{{std::nanf("")}});
  EXPECT_EQ(failed.kind, Action::Kind::kFail);
  EXPECT_EQ(failed.reason, FailureReason::kBackendError);
}

// ---- Every short sequence of events (after TigerBeetle's exhaustigen).

// Goes through all sequences of choices, depth first.
class Choices {
 public:
  size_t Next(size_t count) {
    if (at_ == path_.size()) path_.push_back({0, count});
    return path_[at_++].first;
  }
  bool Advance() {
    at_ = 0;
    for (; !path_.empty(); path_.pop_back()) {
      if (++path_.back().first < path_.back().second) return true;
    }
    return false;
  }

 private:
  std::vector<std::pair<size_t, size_t>> path_;
  size_t at_ = 0;
};

// A tree of beginnings that grows where a run looks, every letter and label a free choice: so all the runs of one
// choice meet the same models, and look as far past a boundary as their draft length makes them. After `letters_max`
// letters the thinking is closed. With `always_others` both predictors always give the next token to the other role.
class ChosenSource {
 public:
  using Node = size_t;

  ChosenSource(const Alphabet& alphabet, size_t letters_max, bool always_others, Choices& choices)
      : alphabet_(alphabet), letters_max_(letters_max), always_others_(always_others), choices_(choices), nodes_(1) {}

  Node Root() const { return 0; }
  const Letter& After(Node node) {
    if (nodes_[node].letter == kUnset) {
      nodes_[node].letter = letters_ < letters_max_ ? choices_.Next(alphabet_.size()) : alphabet_.size();
      ++letters_;
    }
    const size_t letter = nodes_[node].letter;
    return letter < alphabet_.size() ? alphabet_[letter] : close_;
  }
  Node Next(Node node) { return Child(node, &Beginning::next); }
  Node Switched(Node node) { return Child(node, &Beginning::switched); }
  bool IsOthers(Node node) {
    const bool chosen = !always_others_ && letters_ <= letters_max_;
    if (nodes_[node].others == kUnset) nodes_[node].others = chosen ? choices_.Next(2) : 1;
    return nodes_[node].others == 1;
  }

  std::string Describe(Node node = 0) const {
    const Beginning& at = nodes_[node];
    std::string text;
    if (at.others != kUnset) text += at.others == 1 ? "^" : "_";
    if (at.switched != 0) text += "(" + Describe(at.switched) + ")";
    if (at.letter == kUnset) return text;
    if (at.letter == alphabet_.size()) return text + "<close>";
    const Letter& letter = alphabet_[at.letter];
    constexpr std::array<const char*, 3> kEnds{"", "<close>", "<eos>"};
    constexpr std::array<const char*, 3> kDoes{"", "<stop>", "<full>"};
    text += "|" + testing::PrintToString(letter.token.text) + kEnds[static_cast<size_t>(letter.token.end)] +
            kDoes[static_cast<size_t>(letter.does)];
    return at.next == 0 ? text : text + Describe(at.next);
  }

 private:
  static constexpr size_t kUnset = SIZE_MAX;
  struct Beginning {
    size_t letter = kUnset;
    size_t others = kUnset;
    Node next = 0;
    Node switched = 0;
  };

  Node Child(Node node, Node Beginning::*child) {
    if (nodes_[node].*child == 0) {
      nodes_[node].*child = nodes_.size();
      nodes_.emplace_back();
    }
    return nodes_[node].*child;
  }

  const Alphabet& alphabet_;
  size_t letters_max_;
  bool always_others_;
  Choices& choices_;
  Letter close_ = Closes();
  size_t letters_ = 0;
  std::vector<Beginning> nodes_;
};

struct Enumeration {
  const char* name;
  Alphabet alphabet;
  size_t letters_max;
  uint32_t thinking_tokens_max;
  bool always_others = false;
};

void PrintTo(const Enumeration& enumeration, std::ostream* out) { *out << enumeration.name; }

class EveryShortRun : public testing::TestWithParam<Enumeration> {};

TEST_P(EveryShortRun, IsSoundAndTheSameForEveryDraftLength) {
  constexpr std::array<uint32_t, 3> kDraftLengths{1, 2, 3};
  const Enumeration& enumeration = GetParam();
  uint64_t runs = 0;
  for (const CutPolicy& policy : AllPolicies({1, 2})) {
    const LoopSettings settings = SettingsWith(policy, enumeration.thinking_tokens_max);
    Choices choices;
    do {
      ChosenSource source(enumeration.alphabet, enumeration.letters_max, enumeration.always_others, choices);
      const std::string wrong = CompareDraftLengths(source, settings, kDraftLengths);
      ASSERT_EQ(wrong, "") << Describe(policy) << "; ^ the other role's, _ not, (…) after a switch:\n"
                           << source.Describe();
      ++runs;
    } while (choices.Advance());
  }
  RecordProperty("runs", std::to_string(runs));
}

INSTANTIATE_TEST_SUITE_P(
    Loop, EveryShortRun,
    testing::Values(
        Enumeration{"EveryKindOfToken",
                    {Writes(" a"), Writes("b"), Writes(" "), Writes("\n"), Writes("\xE4"), Writes("\xB8\xAD"),
                     Writes("</"), Writes("think>"), Writes(""), Closes(), EndsSequence(), StopsShort(), HasNoRoom()},
                    4,
                    4},
        Enumeration{"WordsInPieces", {Writes(" a"), Writes("b"), Writes("\n"), Closes()}, 6, 7},
        Enumeration{"CharactersInPieces",
                    {Writes(" a"), Writes("\xE4"), Writes("\xB8"), Writes("\xAD"), Writes("中")},
                    5,
                    7},
        Enumeration{"CharactersThatAreNeverFinished", {Writes("\xE4"), Writes("\xB8\xAD"), Writes(" a")}, 6, 8},
        Enumeration{
            "TokensWithoutText", {Writes(" a"), Writes(""), Writes("b"), Writes("\xE4"), Writes("\xB8\xAD")}, 5, 7},
        Enumeration{"MarkersInPieces",
                    {Writes("a\n"), Writes("</"), Writes("think>"), Writes(""), Writes(" a<"), Writes("/think> b")},
                    4,
                    5},
        Enumeration{"NoRoomPastABoundary", {Writes(" a"), Writes("b"), HasNoRoom(), EndsSequence()}, 6, 5},
        Enumeration{"BothPredictorsAlwaysSwitch",
                    {Writes(" a"), Writes("b"), Writes("中"), Writes("\n"), Writes(""), Writes("</"), Writes("think>")},
                    5,
                    8,
                    true}),
    [](const auto& instance) { return instance.param.name; });

// ---- Long random runs, against the definition.

// Letters and labels by chance, each a pure function of the beginning of the response: of all of it, or of its last
// tokens alone, which makes texts that run in a loop.
class RandomSource {
 public:
  struct Node {
    Role speaker = kStudent;
    std::array<uint64_t, 2> last{};  // hashes of what came before, the nearest first
  };

  RandomSource(const Alphabet& alphabet, uint64_t seed)
      : alphabet_(alphabet), seed_(seed), forgets_(seed % 4 == 0), others_share_(Share(1)),
        order_({static_cast<uint32_t>(Share(2) * 5), static_cast<uint32_t>(Share(3) * 5)}) {}

  Node Root() const { return {}; }
  const Letter& After(const Node& node) {
    // Common letters come first in the alphabet; what ends the thinking comes last.
    const double u = UniformAt(HashOf(node, 4), 0, 0);
    return alphabet_[static_cast<size_t>(u * u * static_cast<double>(alphabet_.size()))];
  }
  Node Next(const Node& node) { return Follow(node, node.speaker, HashOf(node, 4)); }
  Node Switched(const Node& node) { return Follow(node, Other(node.speaker), HashOf(node, 5)); }
  bool IsOthers(const Node& node) { return UniformAt(HashOf(node, 6), 0, 0) < others_share_; }

 private:
  double Share(uint64_t what) const { return UniformAt(seed_, 1, what); }
  uint64_t HashOf(const Node& node, uint64_t what) const {
    const std::array<uint64_t, 5> parts{seed_, what, static_cast<uint64_t>(node.speaker), node.last[0], node.last[1]};
    return HashParts(parts);
  }
  Node Follow(const Node& node, Role speaker, uint64_t hash) const {
    if (forgets_) return {.speaker = speaker, .last = {hash % (2 + order_[0]), node.last[0] % (1 + order_[1])}};
    return {.speaker = speaker, .last = {hash, 0}};
  }

  const Alphabet& alphabet_;
  uint64_t seed_;
  bool forgets_;
  double others_share_;
  std::array<uint32_t, 2> order_;
};

// Algorithm 1 by its definition (method, sections 3 to 7), with all that a speaker would ever write in view: no
// drafts, no waiting, no state to get wrong.
class Definition {
 public:
  Definition(RandomSource& source, const LoopSettings& settings) : source_(source), settings_(settings) {}

  // Empty: no response comes of it; then `reasons` are those for which it may have failed.
  std::optional<Trace> Response() {
    auto node = source_.Root();
    while (true) {
      const Continuation all = ContinuationAfter(node);
      const size_t cut = CutOf(all);
      if (!Keep(all, cut != 0 ? cut : all.tokens.size()) || (cut != 0 && EndsInLoop(y_.text))) {
        reasons_.push_back(FailureReason::kRepetition);
        // Of a span that was never ended some tokens may still have been in doubt.
        if (cut != 0 || all.by_token || all.by_text) return std::nullopt;
      }
      if (cut == 0) return Close(all);
      node = source_.Switched(all.nodes[cut]);
      speaker_ = Other(speaker_);
    }
  }
  const std::vector<FailureReason>& reasons() const { return reasons_; }

 private:
  enum class Place : uint8_t { kNo, kYes, kNeverKnown };

  // All that the speaker would write if nobody stopped it: up to the token that ends it, or to the budget.
  struct Continuation {
    std::string text;                        // the thinking with it, the token that ends it included
    std::vector<DraftToken> tokens;          // without the token that ends it
    std::vector<size_t> ends;                // ends[i]: bytes of `text` through i tokens
    std::vector<RandomSource::Node> nodes;   // nodes[i]: after i tokens
    bool by_token = false, by_text = false;  // what ends it
    bool closed = false;
    FailureReason reason = FailureReason::kThinkingNotClosed;  // why it is not closed

    std::string_view Before(size_t i) const { return std::string_view(text).substr(0, ends[i]); }
    std::string_view After(size_t i) const { return std::string_view(text).substr(ends[i]); }
  };

  Continuation ContinuationAfter(RandomSource::Node node) const {
    Continuation all{.text = y_.text, .tokens = {}, .ends = {y_.text.size()}, .nodes = {node}};
    while (tokens_ + all.tokens.size() < settings_.thinking_tokens_max) {
      const Letter& letter = source_.After(node);
      if (letter.does == Letter::Does::kStopsShort) all.reason = FailureReason::kEmptyGeneration;
      if (letter.does == Letter::Does::kHasNoRoom) all.reason = FailureReason::kContextFull;
      if (letter.does != Letter::Does::kWrites) return all;
      all.text += letter.token.text;
      all.by_token = letter.token.end != End::kNone;
      all.by_text = all.text.find(Marker(), y_.text.size() > 8 ? y_.text.size() - 8 : 0) != std::string::npos;
      all.closed = all.by_text || letter.token.end == End::kThinking;
      if (letter.token.end == End::kSequence) all.reason = FailureReason::kEndedInThinking;
      if (all.by_token || all.by_text) return all;
      all.tokens.push_back(letter.token);
      all.ends.push_back(all.text.size());
      all.nodes.push_back(node = source_.Next(node));
    }
    return all;
  }

  static Place PlaceAt(const Continuation& all, size_t i) {
    const std::string_view after = all.After(i);
    if (all.by_token && after.empty()) return IncompleteTail(all.Before(i)) == 0 ? Place::kYes : Place::kNo;
    if (IncompleteTail(after) == after.size()) {
      return all.by_token || all.by_text ? Place::kNo : Place::kNeverKnown;
    }
    return IsCutPlace(all.Before(i), after) ? Place::kYes : Place::kNo;
  }

  // After how many tokens the other role takes over; 0 for never.
  size_t CutOf(const Continuation& all) const {
    const CutPolicy& policy = settings_.cut[static_cast<size_t>(speaker_)];
    const size_t size = all.tokens.size();
    size_t first = 1;
    for (uint32_t with_text = 0; first <= size; ++first) {
      with_text += all.tokens[first - 1].text.empty() ? 0 : 1;
      if (with_text >= policy.min_span_tokens) break;
    }
    size_t due = first;
    const auto may_ask = [&](size_t i) { return policy.reads_tokens || PlaceAt(all, i) == Place::kYes; };
    while (due <= size && !(may_ask(due) && source_.IsOthers(all.nodes[due]))) ++due;
    if (due > size) return 0;
    if (!policy.reads_tokens) return due;
    if (policy.rule == CutRule::kDropWord) {
      for (size_t i = first; i <= due; ++i) {
        if (PlaceAt(all, i) == Place::kNeverKnown) return 0;
      }
      for (size_t i = due; i >= first; --i) {
        if (PlaceAt(all, i) == Place::kYes) return i;
      }
    }
    const auto goes_on = [&](size_t i) {
      return policy.rule == CutRule::kToken ? IncompleteTail(all.Before(i)) != 0 : PlaceAt(all, i) == Place::kNo;
    };
    while (due <= size && goes_on(due)) ++due;
    if (due > size) return 0;
    return policy.rule == CutRule::kToken || PlaceAt(all, due) == Place::kYes ? due : 0;
  }

  // False: it runs in a loop.
  bool Keep(const Continuation& all, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      y_.Append(speaker_, Kind(), all.tokens[i].text, 0);
      if (++tokens_ % 64 == 0 && EndsInLoop(y_.text)) return false;
    }
    return true;
  }

  std::optional<Trace> Close(const Continuation& all) {
    reasons_.push_back(all.closed ? FailureReason::kEmptyGeneration : all.reason);
    if (!all.closed) return std::nullopt;
    y_.Append(speaker_, Kind(), all.After(all.tokens.size()), 0);
    if (all.by_text) y_.Truncate(y_.text.find(Marker()));
    if (y_.text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
    return y_;
  }

  const std::string& Marker() const { return settings_.close_texts[static_cast<size_t>(speaker_)][0]; }
  SpanKind Kind() const { return speaker_ == kStudent ? SpanKind::kStyle : SpanKind::kCapability; }

  RandomSource& source_;
  const LoopSettings& settings_;
  Role speaker_ = kStudent;
  Trace y_;
  uint64_t tokens_ = 0;
  std::vector<FailureReason> reasons_;
};

std::optional<Trace> ResponseOf(const Finish& finish) {
  if (finish.kind != Action::Kind::kAnswer) return std::nullopt;
  Trace y = finish.y;
  for (Span& span : y.spans) span.tokens = 0;
  return y;
}

struct RandomRuns {
  const char* name;
  Alphabet alphabet;  // the most common letter first
};

void PrintTo(const RandomRuns& runs, std::ostream* out) { *out << runs.name; }

class LongRandomRuns : public testing::TestWithParam<RandomRuns> {};

TEST_P(LongRandomRuns, ComeToWhatTheMethodDefinesForEveryDraftLength) {
  constexpr std::array<uint32_t, 5> kDraftLengths{1, 2, 5, 20, 64};
  const std::vector<CutPolicy> policies = AllPolicies({1, 2, 3});
  std::array<size_t, 8> ends{};  // answers, and failures by reason
  for (uint64_t seed = 0; seed < 6000; ++seed) {
    RandomSource source(GetParam().alphabet, seed);
    const auto budget = static_cast<uint32_t>(10 + UniformAt(seed, 7, 0) * 400);
    LoopSettings settings = SettingsWith(policies[seed % policies.size()], budget);
    settings.cut[1] = policies[seed / policies.size() % policies.size()];
    Finish finish;
    const std::string wrong = CompareDraftLengths(source, settings, kDraftLengths, &finish);
    ASSERT_EQ(wrong, "") << "seed " << seed << ": " << Describe(settings.cut[0]) << " / " << Describe(settings.cut[1]);
    Definition definition(source, settings);
    ASSERT_EQ(ResponseOf(finish), definition.Response()) << "seed " << seed;
    if (finish.kind == Action::Kind::kFail) {
      ASSERT_NE(std::ranges::find(definition.reasons(), finish.reason), definition.reasons().end())
          << "seed " << seed << ": " << testing::PrintToString(finish);
    }
    ++ends[finish.kind == Action::Kind::kAnswer ? 0 : 1 + static_cast<size_t>(finish.reason)];
  }
  // The cases are worth their time: all that can happen does.
  EXPECT_GT(ends[0], 1000U);
  for (const FailureReason reason :
       {FailureReason::kEndedInThinking, FailureReason::kThinkingNotClosed, FailureReason::kRepetition}) {
    EXPECT_GT(ends[1 + static_cast<size_t>(reason)], 20U) << Name(reason);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Loop, LongRandomRuns,
    testing::Values(
        RandomRuns{"Prose",
                   {Writes(" the"), Writes(" so"), Writes("ing"), Writes(","), Writes(" x"), Writes(" ="), Writes(".\n"),
                    Writes(" "), Writes("\n\n"), Writes(""), Writes("  "), Writes("</"), Writes("think>"),
                    EndsSequence(), Closes()}},
        RandomRuns{"Chinese",
                   {Writes("中"), Writes("\xE6"), Writes("\x96\x87"), Writes("。"), Writes("\xE5"), Writes("\xAD"),
                    Writes("\x97"), Writes(" x"), Writes("\n"), Writes(""), Writes("\u0301"), EndsSequence(),
                    Closes()}},
        RandomRuns{"Markers",
                   {Writes(" a"), Writes("\n"), Writes("b"), Writes("<"), Writes("/"), Writes("think"), Writes("</"),
                    Writes(""), Writes("think>"), Writes("</think"), Writes("> so"), Writes(">"), EndsSequence(),
                    Closes()}},
        RandomRuns{"RareEnds",
                   {Writes(" we"), Writes(" add"), Writes("s"), Writes(" 12"), Writes("3"), Writes(";\n"), Writes("\t"),
                    Writes("\xF0\x9F"), Writes("\x98\x80"), Writes(" f"), Writes("("), Writes("n"), Writes(")"),
                    Writes("-"), Writes("//"), Writes("\xFF"), Writes(" ok"), Writes(""), Writes(" 7"), Writes(" hm"),
                    Writes(" no"), Writes("a"), Writes("o"), Writes("e"), Writes("u"), Writes(" y"), Writes("</think>"),
                    EndsSequence(), StopsShort(), HasNoRoom()}}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessy
