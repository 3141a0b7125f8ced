#include "cooperation/loop.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cooperation/cut.h"
#include "cooperation/testing/loop_walk.h"

namespace tessy {
namespace {

TEST(Step, FailsWhereAPredictorDoesNotAnswerInNumbers) {
  LoopState state(SettingsWith({.rule = CutRule::kToken}, 10));
  Step(state, Start{});
  const Action ask =
      Step(state, Drafted{{.tokens = {{.id = -1, .text = "So", .end = DraftToken::End::kNone}}}});
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

// A tree of beginnings that grows where a run looks; every letter and label is a free choice. So all runs of
// one choice meet the same models and look as far past a boundary as their draft length makes them. After
// `letters_max` letters the thinking is closed. With `always_others` both predictors always give the next
// token to the other role.
class ChosenSource {
 public:
  using Node = size_t;

  ChosenSource(const Alphabet& alphabet, size_t letters_max, bool always_others, Choices& choices)
      : alphabet_(alphabet),
        letters_max_(letters_max),
        always_others_(always_others),
        choices_(choices),
        nodes_(1) {}

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

#ifdef TESSY_SANITIZED
constexpr size_t kLettersSpared = 1;  // rare cases are not what the sanitizers are for
#else
constexpr size_t kLettersSpared = 0;
#endif

class EveryShortRun : public testing::TestWithParam<Enumeration> {};

TEST_P(EveryShortRun, IsSoundAndTheSameForEveryDraftLength) {
  constexpr std::array<uint32_t, 3> kDraftLengths{1, 2, 3};
  const Enumeration& enumeration = GetParam();
  uint64_t runs = 0;
  for (const CutPolicy& policy : AllPolicies({1, 2})) {
    const LoopSettings settings = SettingsWith(policy, enumeration.thinking_tokens_max);
    Choices choices;
    do {
      ChosenSource source(enumeration.alphabet, enumeration.letters_max - kLettersSpared,
                          enumeration.always_others, choices);
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
        Enumeration{
            "EveryKindOfToken",
            {Writes(" a"), Writes("b"), Writes(" "), Writes("\n"), Writes("\xE4"), Writes("\xB8\xAD"),
             Writes("</"), Writes("think>"), Writes(""), Closes(), EndsSequence(), StopsShort(), HasNoRoom()},
            4,
            4},
        Enumeration{"WordsInPieces", {Writes(" a"), Writes("b"), Writes("\n"), Closes()}, 6, 7},
        Enumeration{"CharactersInPieces",
                    {Writes(" a"), Writes("\xE4"), Writes("\xB8"), Writes("\xAD"), Writes("中")},
                    5,
                    7},
        Enumeration{
            "CharactersThatAreNeverFinished", {Writes("\xE4"), Writes("\xB8\xAD"), Writes(" a")}, 6, 8},
        Enumeration{"TokensWithoutText",
                    {Writes(" a"), Writes(""), Writes("b"), Writes("\xE4"), Writes("\xB8\xAD")},
                    5,
                    7},
        Enumeration{
            "MarkersInPieces",
            {Writes("a\n"), Writes("</"), Writes("think>"), Writes(""), Writes(" a<"), Writes("/think> b")},
            4,
            5},
        Enumeration{"NoRoomPastABoundary", {Writes(" a"), Writes("b"), HasNoRoom(), EndsSequence()}, 6, 5},
        Enumeration{"BothPredictorsAlwaysSwitch",
                    {Writes(" a"), Writes("b"), Writes("中"), Writes("\n"), Writes(""), Writes("</"),
                     Writes("think>")},
                    5,
                    8,
                    true}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessy
