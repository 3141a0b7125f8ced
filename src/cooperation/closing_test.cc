#include "cooperation/closing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace tessy {
namespace {

using Markers = std::vector<std::string>;

constexpr size_t kNowhere = std::string::npos;

struct Case {
  const char* name;
  std::string text;
  size_t from;
  Markers markers;
  size_t found;  // kNowhere: nowhere
};

class FindMarkerCase : public testing::TestWithParam<Case> {};

TEST_P(FindMarkerCase, IsFoundWhereItShould) {
  const Case& c = GetParam();
  EXPECT_EQ(FindMarker(c.text, c.from, c.markers).value_or(kNowhere), c.found);
}

INSTANTIATE_TEST_SUITE_P(
    Closing, FindMarkerCase,
    testing::Values(
        Case{"NothingInEmptyText", "", 0, {"</think>"}, kNowhere},
        Case{"NoMarkersFindNothing", "abc", 0, {}, kNowhere},
        Case{"EmptyMarkersAreIgnored", "abc", 0, {"", ""}, kNowhere},
        Case{"EmptyMarkerHidesNoOther", "abc</think>", 0, {"", "</think>"}, 3},
        Case{"AtTheBeginning", "</think>x", 0, {"</think>"}, 0},
        Case{"AtTheEnd", "so.\n</think>", 0, {"</think>"}, 4},
        Case{"TheFirstOfTwo", "a<|end|>b<|end|>", 0, {"<|end|>"}, 1},
        Case{"TheFirstOfAnyMarker", "a assistantfinal b</think>", 0, {"</think>", "assistantfinal"}, 2},
        Case{"IncompleteIsNotFound", "so </thin", 0, {"</think>"}, kNowhere},
        Case{"WordsBetweenAreNotIt", "the assistant has its final say", 0, {"assistantfinal"}, kNowhere},
        Case{"ArrivedInPieces", "so assistantfinal", 12, {"assistantfinal"}, 3},
        Case{"ArrivedWithItsLastByte", "ab</think>", 9, {"</think>"}, 2},
        Case{"EndsAtFromIsOld", "ab</think>", 10, {"</think>"}, kNowhere},
        Case{"EndsBeforeFromIsOld", "ab</think>cd", 11, {"</think>"}, kNowhere},
        Case{"OldOneDoesNotHideANewOne", "</think></think>", 10, {"</think>"}, 8},
        Case{"FromBeyondTheText", "</think>", 100, {"</think>"}, kNowhere},
        Case{"OverlapsItself", "aaaa", 3, {"aa"}, 2},
        Case{"MarkerLongerThanFrom", "xabcdef", 2, {"abcdef"}, 1}),
    [](const auto& instance) { return instance.param.name; });

std::optional<size_t> ByDefinition(std::string_view text, size_t from, const Markers& markers) {
  for (size_t begin = 0; begin < text.size(); ++begin) {
    for (const std::string& marker : markers) {
      const bool here = !marker.empty() && text.substr(begin).starts_with(marker);
      if (here && begin + marker.size() > from) return begin;
    }
  }
  return std::nullopt;
}

TEST(FindMarker, AgreesWithItsDefinitionOnRandomText) {
  const Markers markers = {"ab", "bba", "", "aabb", "c"};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::string text;
    for (uint64_t i = 0; i < 24; ++i)
      text += UniformAt(seed, 0, i) < 0.03 ? 'c' : "ab"[UniformAt(seed, 1, i) < 0.5];
    for (size_t from = 0; from <= text.size() + 1; ++from) {
      ASSERT_EQ(FindMarker(text, from, markers), ByDefinition(text, from, markers))
          << text << " from " << from;
    }
  }
}

TEST(FindMarkerOfText, TheBeginOfTheTextIsThatOfALine) {
  const Markers markers = {"\nAnswer:", "\n\nQ:", "\n", "stop"};
  EXPECT_EQ(FindMarkerOfText("Answer: 12", 0, markers), 0U);
  EXPECT_EQ(FindMarkerOfText("Answer: 12", 6, markers), 0U) << "its last byte is new";
  EXPECT_EQ(FindMarkerOfText("Answer: 12", 7, markers), std::nullopt) << "that was looked at";
  EXPECT_EQ(FindMarkerOfText("Q: stop", 0, markers), 0U);
  EXPECT_EQ(FindMarkerOfText("The Answer: 12", 0, markers), std::nullopt) << "within a line";
  EXPECT_EQ(FindMarkerOfText("Well.\nAnswer: 12", 0, {{"\nAnswer:"}}), 5U);
  EXPECT_EQ(FindMarkerOfText("", 0, markers), std::nullopt);
  EXPECT_EQ(FindMarkerOfText("to stop", 0, markers), 3U) << "others as anywhere";
}

TEST(FindMarker, FindsTheSameInTextThatGrows) {
  const std::string whole = "Okay. assistant final? assistantfinal</think> rest";
  const Markers markers = {"</think>", "assistantfinal"};
  for (size_t step = 1; step < 20; ++step) {
    std::optional<size_t> found;
    for (size_t size = 0, looked = 0; !found && looked < whole.size(); looked = size) {
      size = std::min(size + step, whole.size());
      found = FindMarker(std::string_view(whole).substr(0, size), looked, markers);
    }
    EXPECT_EQ(found, whole.find("assistantfinal")) << "in steps of " << step;
  }
}

}  // namespace
}  // namespace tessy
