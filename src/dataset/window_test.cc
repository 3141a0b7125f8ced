#include "dataset/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tessy {
namespace {

using testing::ElementsAre;

Thinking OfWords(const std::string& id, size_t words) {
  Thinking thinking{.trace_id = id, .text = ""};
  for (size_t i = 0; i < words; ++i) thinking.text += " w" + std::to_string(i);
  return thinking;
}

TEST(WordsTest, AreRunsWithoutSpaceOrCharactersOfSpacelessScripts) {
  EXPECT_THAT(WordsOf(" ab c\n"), ElementsAre(ByteRange{1, 3}, ByteRange{4, 5}));
  EXPECT_THAT(WordsOf("我想x"), ElementsAre(ByteRange{0, 3}, ByteRange{3, 6}, ByteRange{6, 7}));
  EXPECT_TRUE(WordsOf(" \n").empty());
}

TEST(WindowTest, HoldsItsWordsAndTheSpaceBeforeThem) {
  const std::vector<Thinking> thinkings{OfWords("t", 100)};
  const auto windows = CutWindows(thinkings, {.words = 10, .per_response = 50, .total = 0, .seed = 3});
  EXPECT_EQ(windows.size(), 50U);
  std::set<std::string> ids;
  for (const Window& window : windows) {
    ids.insert(window.id);
    const std::string text =
        thinkings[0].text.substr(window.range.start, window.range.end - window.range.start);
    EXPECT_EQ(WordsOf(text).size(), 10U) << text;
    EXPECT_EQ(text.substr(0, 2), " w");
    EXPECT_EQ("t#" + text.substr(2, text.find(' ', 1) - 2), window.id);
  }
  EXPECT_EQ(ids.size(), 50U);
}

TEST(WindowTest, EveryStartIsAsLikely) {
  std::vector<Thinking> thinkings;
  for (int i = 0; i < 4000; ++i) thinkings.push_back(OfWords(std::to_string(i), 13));
  std::map<size_t, int> starts;
  for (const Window& window :
       CutWindows(thinkings, {.words = 10, .per_response = 1, .total = 0, .seed = 1})) {
    ++starts[window.range.start];
  }
  ASSERT_EQ(starts.size(), 4U);
  for (const auto& [start, count] : starts) EXPECT_NEAR(count, 1000, 150) << start;
}

TEST(WindowTest, AShortThinkingIsOneWindow) {
  const std::vector<Thinking> thinkings{OfWords("t", 5)};
  const auto windows = CutWindows(thinkings, {.words = 10, .per_response = 4, .total = 0, .seed = 1});
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].range, (ByteRange{0, thinkings[0].text.size()}));
  EXPECT_EQ(CutWindows(thinkings, {.words = 0, .per_response = 4, .total = 0, .seed = 1}).size(), 1U);
}

TEST(WindowTest, ATotalIsSpreadOverTheThinkings) {
  std::vector<Thinking> thinkings;
  for (int i = 0; i < 10; ++i) thinkings.push_back(OfWords(std::to_string(i), 40));
  const WindowOptions options{.words = 10, .per_response = 4, .total = 14, .seed = 1};
  const auto windows = CutWindows(thinkings, options);
  ASSERT_EQ(windows.size(), 14U);
  std::map<size_t, int> each;
  for (const Window& window : windows) ++each[window.thinking];
  EXPECT_EQ(each.size(), 10U);
  // A thinking's windows do not depend on the others.
  std::vector<Thinking> reversed(thinkings.rbegin(), thinkings.rend());
  std::set<std::string> a;
  std::set<std::string> b;
  for (const auto& w : CutWindows(thinkings, {.words = 10, .per_response = 2, .total = 0, .seed = 1}))
    a.insert(w.id);
  for (const auto& w : CutWindows(reversed, {.words = 10, .per_response = 2, .total = 0, .seed = 1}))
    b.insert(w.id);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace tessy
