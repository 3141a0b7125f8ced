#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/cut.h"
#include "cooperation/loop.h"
#include "cooperation/repetition.h"
#include "cooperation/testing/loop_walk.h"

namespace tessy {
namespace {

// ---- Long random runs, against the definition.

// Letters and labels are drawn at random. Each is a pure function of the beginning of the response, or of
// its last tokens alone, which makes texts that end in a loop.
class RandomSource {
 public:
  struct Node {
    Role speaker = Role::kStudent;
    std::array<uint64_t, 2> last{};  // hashes of what came before, the nearest first
  };

  RandomSource(const Alphabet& alphabet, uint64_t seed)
      : alphabet_(alphabet),
        seed_(seed),
        forgets_(seed % 4 == 0),
        others_share_(Share(1)),
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
    const std::array<uint64_t, 5> parts{seed_, what, static_cast<uint64_t>(node.speaker), node.last[0],
                                        node.last[1]};
    return HashParts(parts);
  }
  Node Follow(const Node& node, Role speaker, uint64_t hash) const {
    if (forgets_)
      return {.speaker = speaker, .last = {hash % (2 + order_[0]), node.last[0] % (1 + order_[1])}};
    return {.speaker = speaker, .last = {hash, 0}};
  }

  const Alphabet& alphabet_;
  uint64_t seed_;
  bool forgets_;
  double others_share_;
  std::array<uint32_t, 2> order_;
};

// Algorithm 1 by its definition (method, sections 3 to 7), with all that a speaker would ever write in view:
// no drafts, no waiting, no state to get wrong.
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

  // All text that the speaker would write if nobody stopped it: up to the token that ends it, or to the
  // budget.
  struct Continuation {
    std::string text;                        // the thinking with it, the token that ends it included
    std::vector<DraftToken> tokens;          // without the token that ends it
    std::vector<size_t> ends;                // ends[i]: bytes of `text` through i tokens
    std::vector<RandomSource::Node> nodes;   // nodes[i]: after i tokens
    bool by_token = false, by_text = false;  // how it ends
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
      all.by_token = letter.token.end != DraftToken::End::kNone;
      all.by_text = all.text.find(Marker(), y_.text.size() > 8 ? y_.text.size() - 8 : 0) != std::string::npos;
      all.closed = all.by_text || letter.token.end == DraftToken::End::kThinking;
      if (letter.token.end == DraftToken::End::kSequence) all.reason = FailureReason::kEndedInThinking;
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

  // The number of tokens after which the other role takes over; 0 for never.
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
      return policy.rule == CutRule::kToken ? IncompleteTail(all.Before(i)) != 0
                                            : PlaceAt(all, i) == Place::kNo;
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
  SpanKind Kind() const { return speaker_ == Role::kStudent ? SpanKind::kStyle : SpanKind::kCapability; }

  RandomSource& source_;
  const LoopSettings& settings_;
  Role speaker_ = Role::kStudent;
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

#ifdef TESSY_SANITIZED
constexpr uint64_t kSeeds = 300;  // rare cases are not what the sanitizers are for
#else
constexpr uint64_t kSeeds = 6000;
#endif

class LongRandomRuns : public testing::TestWithParam<RandomRuns> {};

TEST_P(LongRandomRuns, ComeToWhatTheMethodDefinesForEveryDraftLength) {
  constexpr std::array<uint32_t, 5> kDraftLengths{1, 2, 5, 20, 64};
  const std::vector<CutPolicy> policies = AllPolicies({1, 2, 3});
  std::array<size_t, 8> ends{};  // answers, and failures by reason
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    RandomSource source(GetParam().alphabet, seed);
    const auto budget = static_cast<uint32_t>(10 + UniformAt(seed, 7, 0) * 400);
    LoopSettings settings = SettingsWith(policies[seed % policies.size()], budget);
    settings.cut[1] = policies[seed / policies.size() % policies.size()];
    Finish finish;
    const std::string wrong = CompareDraftLengths(source, settings, kDraftLengths, &finish);
    ASSERT_EQ(wrong, "") << "seed " << seed << ": " << Describe(settings.cut[0]) << " / "
                         << Describe(settings.cut[1]);
    Definition definition(source, settings);
    ASSERT_EQ(ResponseOf(finish), definition.Response()) << "seed " << seed;
    if (finish.kind == Action::Kind::kFail) {
      ASSERT_NE(std::ranges::find(definition.reasons(), finish.reason), definition.reasons().end())
          << "seed " << seed << ": " << testing::PrintToString(finish);
    }
    ++ends[finish.kind == Action::Kind::kAnswer ? 0 : 1 + static_cast<size_t>(finish.reason)];
  }
  if (kSeeds < 6000) return;
  // The cases are worth their time: every possible outcome occurs.
  EXPECT_GT(ends[0], 1000U);
  for (const FailureReason reason :
       {FailureReason::kEndedInThinking, FailureReason::kThinkingNotClosed, FailureReason::kRepetition}) {
    EXPECT_GT(ends[1 + static_cast<size_t>(reason)], 20U) << Name(reason);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Loop, LongRandomRuns,
    testing::Values(RandomRuns{"Prose",
                               {Writes(" the"), Writes(" so"), Writes("ing"), Writes(","), Writes(" x"),
                                Writes(" ="), Writes(".\n"), Writes(" "), Writes("\n\n"), Writes(""),
                                Writes("  "), Writes("</"), Writes("think>"), EndsSequence(), Closes()}},
                    RandomRuns{"Chinese",
                               {Writes("中"), Writes("\xE6"), Writes("\x96\x87"), Writes("。"),
                                Writes("\xE5"), Writes("\xAD"), Writes("\x97"), Writes(" x"), Writes("\n"),
                                Writes(""), Writes("\u0301"), EndsSequence(), Closes()}},
                    RandomRuns{"Markers",
                               {Writes(" a"), Writes("\n"), Writes("b"), Writes("<"), Writes("/"),
                                Writes("think"), Writes("</"), Writes(""), Writes("think>"),
                                Writes("</think"), Writes("> so"), Writes(">"), EndsSequence(), Closes()}},
                    RandomRuns{"RareEnds",
                               {Writes(" we"),      Writes(" add"), Writes("s"),        Writes(" 12"),
                                Writes("3"),        Writes(";\n"),  Writes("\t"),       Writes("\xF0\x9F"),
                                Writes("\x98\x80"), Writes(" f"),   Writes("("),        Writes("n"),
                                Writes(")"),        Writes("-"),    Writes("//"),       Writes("\xFF"),
                                Writes(" ok"),      Writes(""),     Writes(" 7"),       Writes(" hm"),
                                Writes(" no"),      Writes("a"),    Writes("o"),        Writes("e"),
                                Writes("u"),        Writes(" y"),   Writes("</think>"), EndsSequence(),
                                StopsShort(),       HasNoRoom()}}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessy
