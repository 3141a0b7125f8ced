#include "cooperation/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cooperation/testing/draft_notation.h"

namespace tessy {
namespace {

constexpr CutRule kToken = CutRule::kToken;
constexpr CutRule kCompleteWord = CutRule::kCompleteWord;
constexpr CutRule kDropWord = CutRule::kDropWord;

// A span in the notation of draft_notation.h, behind the thinking before it. "</think>" ends it as text does.
class NotedSpan {
 public:
  explicit NotedSpan(std::string_view written, std::string before = "So", Role speaker = Role::kStudent)
      : noted_(ReadNotedDraft(written)), text_(std::move(before)), speaker_(speaker) {
    open_ = noted_.tokens.size();
    for (size_t i = 0; i < noted_.tokens.size(); ++i) {
      const auto& [token, others] = noted_.tokens[i];
      tokens_.push_back(token);
      ends_.push_back((text_ += token.text).size());
      const float style = others == (speaker == Role::kStudent) ? 0.2F : 0.8F;
      p_style_.push_back(others ? style : std::numeric_limits<float>::quiet_NaN());
      const bool ends = token.end != DraftToken::End::kNone || text_.find("</think>") != std::string::npos;
      if (ends && open_ == noted_.tokens.size()) open_ = i;
    }
  }

  SpanView view() const {
    const bool by_token = open_ < tokens_.size() && tokens_[open_].end != DraftToken::End::kNone;
    return {.text = text_,
            .tokens = tokens_,
            .ends = ends_,
            .p_style = p_style_,
            .open = open_,
            .ends_by_token = by_token,
            .speaker = speaker_};
  }
  std::optional<size_t> cut() const { return noted_.cut; }
  std::vector<float>& p_style() { return p_style_; }

 private:
  NotedDraft noted_;
  std::string text_;
  Role speaker_;
  std::vector<DraftToken> tokens_;
  std::vector<size_t> ends_;
  std::vector<float> p_style_;
  size_t open_ = 0;
};

auto NameOf() {
  return [](const auto& instance) { return instance.param.name; };
}

// ---- PlaceAfter: the double bar is the position asked for.

struct PlaceCase {
  const char* name;
  const char* span;
  std::optional<bool> is_place;
};

void PrintTo(const PlaceCase& test, std::ostream* out) { *out << test.span; }

class PlaceAfterCase : public testing::TestWithParam<PlaceCase> {};

TEST_P(PlaceAfterCase, IsJudgedByWhatFollows) {
  const NotedSpan span(GetParam().span);
  EXPECT_EQ(PlaceAfter(span.view(), *span.cut()), GetParam().is_place);
}

constexpr auto kUnknown = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Verdict, PlaceAfterCase,
    testing::Values(PlaceCase{"BeforeTheNextWord", " we|| add", true},
                    PlaceCase{"InsideAWord", " ad||d", false},
                    PlaceCase{"AtTheEndOfTheDraft", " we||", kUnknown},
                    PlaceCase{"BeforeTokensWithoutText", " we||<none>|<none>", kUnknown},
                    PlaceCase{"BehindATokenWithoutText", " we|<none>|| add", true},
                    PlaceCase{"BeforeATokenWithoutTextAndAWord", " we||<none>| add", true},
                    PlaceCase{"AfterANewline", " we.\\n||add", true},
                    PlaceCase{"BeforeANewline", " we.||\\n|add", false},
                    PlaceCase{"BetweenChineseCharacters", "中||文", true},
                    PlaceCase{"BeforeTheFirstBytesOfACharacter", "中||\\xE6\\x96", kUnknown},
                    PlaceCase{"BeforeACharacterInTwoTokens", "中||\\xE6|\\x96\\x87", true},
                    PlaceCase{"BeforeACharacterInThreeTokensOneMissing", "中||\\xE6|\\x96", kUnknown},
                    PlaceCase{"InsideACharacter", "\\xE6||\\x96\\x87", false},
                    PlaceCase{"InsideACharacterThatIsNotWholeYet", "\\xE6||\\x96", false},
                    PlaceCase{"AfterALetterAndBeforeChinese", "x||\\xE6|\\x96\\x87", true},
                    PlaceCase{"BeforeACharacterThatIsNeverFinished", "中||\\xE6| so", true},
                    PlaceCase{"BeforeTheCloseToken", " ad||<close>", true},
                    PlaceCase{"BeforeTheEndToken", " ad||<eos>", true},
                    PlaceCase{"BeforeTokensWithoutTextAndTheCloseToken", " ad||<none>|<close>", true},
                    PlaceCase{"InsideACharacterBeforeTheCloseToken", " \\xE6||<close>", false},
                    PlaceCase{"BeforeBytesThatTheCloseTokenLeavesUnfinished", " a||\\xE6|<close>", false},
                    PlaceCase{"BeforeAMarkerInText", " we||</think>", false},
                    PlaceCase{"AfterANewlineBeforeAMarkerInText", " we\\n||</think>", true},
                    PlaceCase{"AfterANewlineBeforeAMarkerInPieces", " we\\n||</|think>", true},
                    PlaceCase{"InsideAMarkerInPieces", " we\\n|</||think>", false}),
    NameOf());

// ---- PlacesToAsk

struct AskCase {
  const char* name;
  const char* span;
  CutPolicy policy;
  std::vector<uint32_t> places;
};

void PrintTo(const AskCase& test, std::ostream* out) { *out << test.span; }

class PlacesToAskCase : public testing::TestWithParam<AskCase> {};

TEST_P(PlacesToAskCase, AreThoseThatMayMatter) {
  const AskCase& test = GetParam();
  EXPECT_EQ(PlacesToAsk(NotedSpan(test.span).view(), test.policy), test.places);
}

using Places = std::vector<uint32_t>;

INSTANTIATE_TEST_SUITE_P(
    OwnTokens, PlacesToAskCase,
    testing::Values(
        AskCase{"EveryToken", " we| add|s", {}, Places{1, 2, 3}},
        AskCase{"OnlyWhatWasNotAsked", " we_| add_|s", {}, Places{3}},
        AskCase{"NothingOnceAllIsKnown", " we_| add_", {}, Places{}},
        AskCase{"NothingPastTheFirstBoundary", " we_| add^|s| it", {}, Places{}},
        AskCase{"NothingPastTheCloseToken", " we|<close>| so", {}, Places{1}},
        AskCase{"NothingOfTheTokenThatCompletesAMarker", " we|\\n</|think>", {}, Places{1, 2}},
        AskCase{"NothingAtTheCloseTokenAlone", "<close>", {}, Places{}},
        AskCase{"NothingBeforeTheMinimum", " we| add|s", {.min_span_tokens = 3}, Places{3}},
        AskCase{"TheMinimumCountsTokensWithText", " we|<none>| add", {.min_span_tokens = 2}, Places{3}},
        AskCase{"NothingBeforeTheFirstText", "<none>|<none>| we", {}, Places{3}},
        AskCase{
            "NothingBeforeTheFirstTextWhateverTheMinimum", "<none>| we", {.min_span_tokens = 0}, Places{2}},
        AskCase{"InsideCharactersToo", "\\xE6|\\x96\\x87", {}, Places{1, 2}}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(
    OwnVocabulary, PlacesToAskCase,
    testing::Values(
        AskCase{"OnlyCutPlaces", " we| ad|d| it|.\\n|So", {.reads_tokens = false}, Places{1, 3, 5}},
        AskCase{"NotTheEndOfTheDraft", " we", {.reads_tokens = false}, Places{}},
        AskCase{"TheEndBeforeTheCloseToken", " we|<close>", {.reads_tokens = false}, Places{1}},
        AskCase{"OnlyWhatWasNotAskedAtPlaces", " we_| ad|d| it", {.reads_tokens = false}, Places{3}},
        AskCase{"NothingPastTheFirstBoundaryAtPlaces", " we^| add| it", {.reads_tokens = false}, Places{}},
        AskCase{"NothingBeforeTheMinimumAtPlaces",
                " we| add| it| so",
                {.min_span_tokens = 2, .reads_tokens = false},
                Places{2, 3}}),
    NameOf());

// ---- JudgeSpan: the double bar is the cut; none, no cut yet.

struct JudgeCase {
  const char* name;
  const char* span;
  CutPolicy policy;
  size_t certain;
};

void PrintTo(const JudgeCase& test, std::ostream* out) { *out << test.span; }

class JudgeCases : public testing::TestWithParam<JudgeCase> {};

TEST_P(JudgeCases, CutWhereTheyShould) {
  const JudgeCase& test = GetParam();
  for (const Role speaker : {Role::kStudent, Role::kTeacher}) {
    const NotedSpan span(test.span, "So", speaker);
    const Verdict verdict = JudgeSpan(span.view(), test.policy);
    EXPECT_EQ(verdict.cut, span.cut()) << Name(speaker);
    EXPECT_EQ(verdict.certain, test.certain) << Name(speaker);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AtTokens, JudgeCases,
    testing::Values(
        JudgeCase{"NothingDueKeepsAll", " we_| add_|s_", {.rule = kToken}, 3},
        JudgeCase{"CutAtOnceInsideAWord", " we_| ad^||d", {.rule = kToken}, 2},
        JudgeCase{"CutAtTheEndOfTheDraft", " we_| ad^||", {.rule = kToken}, 2},
        JudgeCase{"TheFirstBoundaryCounts", " we^|| add^| it^", {.rule = kToken}, 1},
        JudgeCase{"NeverInsideACharacter", " \\xE6^|\\x96|\\x87|| x", {.rule = kToken}, 3},
        JudgeCase{"WaitForTheWholeCharacter", " \\xE6^|\\x96", {.rule = kToken}, 2},
        JudgeCase{"TheMinimumMovesTheBoundary", " we| ad^||d", {.rule = kToken, .min_span_tokens = 2}, 2},
        JudgeCase{"BeforeTheCloseToken", " ad^||<close>", {.rule = kToken}, 1},
        JudgeCase{"NothingPastTheCloseToken", " we_|<close>| so^", {.rule = kToken}, 1}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(
    CompleteWord, JudgeCases,
    testing::Values(JudgeCase{"NothingDueKeepsAll", " we_| ad_", {}, 2},
                    JudgeCase{"CutBeforeTheNextWord", " we_| add^|| it", {}, 2},
                    JudgeCase{"DueAtTheEndWaitsForWhatFollows", " we_| add^", {}, 2},
                    JudgeCase{"DueInsideAWordGoesOnToItsEnd", " we_| ad^|d|.|| it", {}, 4},
                    JudgeCase{"DueInsideAWordAtTheEndWaits", " we_| ad^|d", {}, 3},
                    JudgeCase{"DueBeforeANewlineTakesItAlong", " we^|.|\\n|\\n||So", {}, 4},
                    JudgeCase{"TokensWithoutTextAreLookedThrough", " we^||<none>|<none>| it", {}, 1},
                    JudgeCase{"DueAtATokenWithoutText", " we_|<none>^|| it", {}, 2},
                    JudgeCase{"CutBetweenChineseCharacters", "中^||文", {}, 1},
                    JudgeCase{"DueInsideACharacterGoesOnToItsEnd", "中_|\\xE6^|\\x96\\x87||字", {}, 3},
                    JudgeCase{"BytesOfTheNextCharacterAreWaitedFor", "中^|\\xE6|\\x96", {}, 1},
                    JudgeCase{"TheCloseTokenCompletesTheWord", " ad^||<close>", {}, 1},
                    JudgeCase{"TheEndTokenCompletesTheWord", " ad^|d||<eos>", {}, 2},
                    JudgeCase{"AMarkerInTextDoesNot", " ad^|d|</think>", {}, 2},
                    JudgeCase{"AMarkerAfterANewlineComesTooLate", " add^|.\\n||</|think>", {}, 2},
                    JudgeCase{"TheMinimumMovesTheBoundary", " we| add| it^|| so", {.min_span_tokens = 3}, 3},
                    JudgeCase{"UnfinishedBytesBeforeTheCloseToken", " a_|\\xE6^|<close>", {}, 2}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(
    DropWord, JudgeCases,
    testing::Values(
        JudgeCase{"DueInsideAWordDropsIt", " we_|| ad^|d", {.rule = kDropWord}, 1},
        JudgeCase{"DueAtTheEndOfAWordDropsNothing", " we_| add^|| it", {.rule = kDropWord}, 2},
        JudgeCase{"DueAtTheEndWaitsForWhatFollows", " we_| add^", {.rule = kDropWord}, 1},
        JudgeCase{"AWordBegunIsNotCertain", " we_| ad_|d_", {.rule = kDropWord}, 1},
        JudgeCase{"OneWordIsKept", " ad^|d|| it", {.rule = kDropWord}, 2},
        JudgeCase{"OneWordIsWaitedFor", " ad^|d", {.rule = kDropWord}, 2},
        JudgeCase{"TheLastPlaceBeforeTheBoundary", " we_| add_|| i^|t", {.rule = kDropWord}, 2},
        JudgeCase{"NoPlaceBeforeTheMinimumCounts",
                  " we| ad_|d^|s|| it",
                  {.rule = kDropWord, .min_span_tokens = 2},
                  4},
        JudgeCase{"ANewlineStaysWithItsText", " we.|\\n_||ad^|d", {.rule = kDropWord}, 2},
        JudgeCase{"ChineseLosesNothing", "中_|文^||字", {.rule = kDropWord}, 2},
        JudgeCase{"ACharacterBegunMayGoWhole", "中_|\\xE6^", {.rule = kDropWord}, 1},
        JudgeCase{"ACharacterBegunMayGoWholeWhenMoreOfItComes", "中_|\\xE6^|\\x96", {.rule = kDropWord}, 1},
        JudgeCase{"ACharacterBegunGoesWhole", "中_||\\xE6^|\\x96|\\x87", {.rule = kDropWord}, 1},
        JudgeCase{"TheCloseTokenCompletesTheWord", " we_| ad^||<close>", {.rule = kDropWord}, 2},
        JudgeCase{"AMarkerInTextEndsTheOnlyWord", " ad^|d|</think>", {.rule = kDropWord}, 2},
        JudgeCase{"AMarkerInTextComesTooLateForTheSecond", " we_|| ad^|d|</think>", {.rule = kDropWord}, 1},
        JudgeCase{"NothingDueAtTheCloseTokenWaitsForNothing", " we_| ad_|<close>", {.rule = kDropWord}, 2}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(
    AskedAtPlaces, JudgeCases,
    testing::Values(
        JudgeCase{"TheBoundaryIsTheCut", " we_| add^|| it", {.reads_tokens = false}, 2},
        JudgeCase{"WhateverTheRule", " we_| add^|| it", {.rule = kDropWord, .reads_tokens = false}, 2},
        JudgeCase{"NothingDueWaitsForTheFirstOpenPlace", " we_| ad|d", {.reads_tokens = false}, 3},
        JudgeCase{"TheFirstOpenPlaceMayComeEarlier", "中|\\xE6|\\x96", {.reads_tokens = false}, 1},
        JudgeCase{"NothingDueAtTheCloseToken", " we_| add_|<close>", {.reads_tokens = false}, 2},
        JudgeCase{"BeforeTheCloseToken", " we_| add^||<close>", {.reads_tokens = false}, 2},
        JudgeCase{"TheMinimumIsCertain", " we", {.min_span_tokens = 3, .reads_tokens = false}, 1}),
    NameOf());

TEST(JudgeSpan, GivesTheNextTokenToTheStudentFromTheThresholdOn) {
  for (const auto& [p_style, student_goes_on] :
       {std::pair(0.69F, false), std::pair(0.7F, true), std::pair(1.0F, true)}) {
    for (const Role speaker : {Role::kStudent, Role::kTeacher}) {
      NotedSpan span(" we_", "So", speaker);
      span.p_style()[0] = p_style;
      const bool goes_on = (speaker == Role::kStudent) == student_goes_on;
      EXPECT_EQ(JudgeSpan(span.view(), {.rule = kToken, .style_threshold = 0.7F}).cut.has_value(), !goes_on)
          << p_style;
    }
  }
}

TEST(JudgeSpan, OfNothingIsNothing) {
  for (const CutRule rule : {kToken, kCompleteWord, kDropWord}) {
    for (const bool reads_tokens : {true, false}) {
      const NotedSpan span("");
      const CutPolicy policy{.rule = rule, .reads_tokens = reads_tokens};
      EXPECT_EQ(PlacesToAsk(span.view(), policy), Places{});
      EXPECT_EQ(JudgeSpan(span.view(), policy).cut, std::nullopt);
      EXPECT_EQ(JudgeSpan(span.view(), policy).certain, 0U);
    }
  }
}

}  // namespace
}  // namespace tessy
