#include "cooperation/repetition.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace tessy {
namespace {

std::string Times(int count, std::string_view fragment) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fragment;
  return text;
}

// `count` different words, each followed by a space.
std::string Words(int count, std::string_view stem = "word") {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::string(stem) + std::to_string(i) + ' ';
  return text;
}

struct Case {
  const char* name;
  std::string text;
  bool loop;
};

class EndsInLoopCase : public testing::TestWithParam<Case> {};

TEST_P(EndsInLoopCase, IsJudgedAsTheMethodSays) { EXPECT_EQ(EndsInLoop(GetParam().text), GetParam().loop); }

auto NameOf() {
  return [](const auto& instance) { return instance.param.name; };
}

INSTANTIATE_TEST_SUITE_P(
    Counts, EndsInLoopCase,
    testing::Values(Case{"EmptyText", "", false}, Case{"OnlyWhitespace", Times(100, " \n"), false},
                    Case{"OneWord", "wait", false}, Case{"Prose", Words(600), false},
                    Case{"SevenTimesThreeWords", Times(7, "wait, so then "), false},
                    Case{"EightTimesThreeWords", Times(8, "wait, so then "), true},
                    Case{"ManyTimesThreeWords", Times(500, "wait, so then "), true},
                    Case{"SevenTimesFiftyWords", Times(7, Words(50)), false},
                    Case{"EightTimesFiftyWords", Times(8, Words(50)), true},
                    Case{"EightTimesFiftyOneWords", Times(8, Words(51)), false},
                    Case{"ManyTimesFiftyOneWords", Times(40, Words(51)), false},
                    Case{"AfterOtherText", Words(1000) + Times(8, "try it again "), true},
                    Case{"FollowedByOtherText", Times(30, "try it again ") + "Done now", false},
                    Case{"FollowedByOneOtherWord", Times(30, "try it again ") + "Done", false},
                    Case{"OneOfThemDiffers",
                         Times(4, "try it again ") + "try it once " + Times(7, "try it again "), false},
                    Case{"OneWordIsAFragmentOfThree", Times(24, "no "), true},
                    Case{"OneWordTooSeldom", Times(23, "no "), false},
                    Case{"TwoWordsAreAFragmentOfFour", Times(16, "no wait "), true},
                    Case{"TwoWordsTooSeldom", Times(15, "no wait "), false}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(
    Ends, EndsInLoopCase,
    testing::Values(
        Case{"CutInsideTheLastWord", Times(8, "maybe we should ") + "may", true},
        Case{"CutAfterSomeWords", Times(8, "maybe we should ") + "maybe we", true},
        Case{"CutInsideASecondWord", Times(8, "maybe we should ") + "maybe w", true},
        Case{"CutInsideTheEighth", Times(7, "maybe we should ") + "maybe we shou", false},
        Case{"CutInsideTheNinth", Times(8, "maybe we should ") + "maybe we shou", true},
        Case{"CutInsideTheLastOfTheLongest", Times(8, Words(50)) + "wor", true},
        Case{"CutInsideACharacter", Times(8, "là où été ") + "l\xC3", true},
        Case{"CutInsideAChineseCharacter", Times(8, "让我想") + "\xE8\xAE", true},
        Case{"CutInsideAChineseCharacterAfterAWord", Times(8, "让我abc想") + "让我abc\xE6", true},
        Case{"FragmentBeginsAnywhere", "should " + Times(7, "maybe we should ") + "maybe we", true},
        Case{"WhitespaceAtTheEnd", Times(8, "maybe we should ") + " \n\n ", true},
        Case{"WhitespaceDiffers", Times(4, "maybe we should ") + Times(4, "maybe\nwe\t should\n\n"), true}),
    NameOf());

INSTANTIATE_TEST_SUITE_P(Symbols, EndsInLoopCase,
                         testing::Values(Case{"RulerOfDashes", Times(100, "--- --- --- "), false},
                                         Case{"OneLongRuler", Times(2000, "-"), false},
                                         Case{"EmptyTableCells", Times(60, "| | |\n"), false},
                                         Case{"BoxDrawing", Times(60, "│ ─── │\n"), false},
                                         Case{"Dots", Times(100, ". . . "), false},
                                         Case{"FullwidthRuler", Times(100, "。、——"), false},
                                         Case{"FullwidthTable", Times(100, "｜　｜　｜\n"), false},
                                         Case{"Squares", Times(100, "▪️ ◽️ ▪️ "), false},
                                         Case{"EmojiRow", Times(100, "👩‍💻 👍🏽 🎉 "), false},
                                         Case{"TableWithAWord", Times(8, "| x | |\n"), true},
                                         Case{"CodeLine", Times(8, "dp[i] = max(dp[i], dp[j]);\n"), true},
                                         Case{"RulerBetweenSections", Words(40) + Times(50, "=== ") + "\n",
                                              false}),
                         NameOf());

INSTANTIATE_TEST_SUITE_P(
    Scripts, EndsInLoopCase,
    testing::Values(Case{"ChineseWithoutSpaces", Times(8, "让我再想想。"), true},
                    Case{"ChineseTooSeldom", Times(7, "让我再想想。"), false},
                    Case{"ChineseFragmentOfFiftyCharacters",
                         Times(8,
                               "一二三四五六七八九十"
                               "甲乙丙丁戊己庚辛壬癸"
                               "子丑寅卯辰巳午未申酉"
                               "天地玄黄宇宙洪荒日月"
                               "金木水火土东南西北中"),
                         true},
                    Case{"ChineseFragmentOfFiftyOneCharacters",
                         Times(8,
                               "一二三四五六七八九十"
                               "甲乙丙丁戊己庚辛壬癸"
                               "子丑寅卯辰巳午未申酉"
                               "天地玄黄宇宙洪荒日月"
                               "金木水火土东南西北中春"),
                         false},
                    Case{"ChineseProse",
                         "动态规划的核心思想是把原问题分解为若干个子问题，先求解子问题，然后从这些子问题的解"
                         "得到原问题的解。与分治法不同的是，这些子问题往往不是互相独立的。",
                         false},
                    Case{"JapaneseWithoutSpaces", Times(8, "もう一度考える。"), true},
                    Case{"ThaiWithoutSpaces", Times(8, "คิดอีกครั้ง"), true},
                    Case{"KoreanBySpaces", Times(8, "다시 한번 생각해 "), true},
                    Case{"KoreanWithoutSpacesIsOneWord", Times(8, "다시한번"), false},
                    Case{"MixedRun", Times(8, "让x=1我"), true},
                    Case{"MixedRunIsThreeWords", Times(7, "让x=1我"), false},
                    Case{"InvalidBytesAreText", Times(8, "\xFF\xFE \x80 \xC0 a "), true},
                    Case{"OnlyInvalidBytes", Times(80, "\xFF \xFE \x80 "), false}),
    NameOf());

TEST(EndsInLoop, IsFoundForEveryPeriodAndNoOther) {
  for (int period = 1; period <= 60; ++period) {
    const int repetitions_enough = period == 1 ? 24 : period == 2 ? 16 : 8;  // 1 and 2 count as 3 and 4
    const std::string fragment = Words(period);
    const std::string before = Words(30, "else");
    EXPECT_EQ(EndsInLoop(before + Times(repetitions_enough, fragment)), period <= 50) << period;
    EXPECT_FALSE(EndsInLoop(before + Times(repetitions_enough - 1, fragment))) << period;
  }
}

TEST(EndsInLoop, StaysFoundWhileTheLoopGoesOn) {
  const std::string before = "First we sort. ";
  const std::string text = before + Times(20, "But wait, 让我想 é again… ");
  const size_t enough = before.size() + Times(8, "But wait, 让我想 é again… ").size();
  for (size_t size = enough; size <= text.size(); ++size) {
    EXPECT_TRUE(EndsInLoop(std::string_view(text).substr(0, size))) << "after " << size << " bytes";
  }
}

// Words of a small alphabet repeat by chance all the time: judged by definition, word by word.
TEST(EndsInLoop, AgreesWithItsDefinitionOnRandomWords) {
  int loops = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const auto period = static_cast<size_t>(1 + UniformAt(seed, 0, 0) * 8);
    const auto count = static_cast<size_t>(UniformAt(seed, 0, 1) * 90);
    std::vector<char> words;
    for (size_t i = 0; i < count; ++i) {
      const bool slip = UniformAt(seed, 1, i) < 0.01;
      const double u = slip ? UniformAt(seed, 2, i) : UniformAt(seed, 3, i % period);
      words.push_back("ab-"[static_cast<size_t>(u * 3)]);
    }
    bool loop = false;
    for (size_t p = 3; p * 8 <= words.size(); ++p) {
      bool equal = true, letters = false;
      for (size_t i = words.size() - 7 * p; i < words.size(); ++i) equal = equal && words[i] == words[i - p];
      for (size_t i = words.size() - p; i < words.size(); ++i) letters = letters || words[i] != '-';
      loop = loop || (equal && letters);
    }
    std::string text;
    for (const char word : words) text += {word, ' '};
    // One-letter words are never cut short: as a beginning they are whole.
    ASSERT_EQ(EndsInLoop(text), loop) << text;
    loops += loop ? 1 : 0;
  }
  EXPECT_GT(loops, 300);
}

TEST(EndsInLoop, LongWordsBoundTheLook) {
  const std::string endless(1 << 20, 'x');
  EXPECT_FALSE(EndsInLoop(endless));
  EXPECT_FALSE(EndsInLoop(Times(30, "a b " + endless.substr(0, 1 << 16) + ' ')));
  EXPECT_TRUE(EndsInLoop(endless + ' ' + Times(8, "a b c ")));
  // 64 KiB hold eight of the first and not quite eight of the second.
  EXPECT_TRUE(EndsInLoop("before " + Times(8, "a b " + endless.substr(0, 8180) + ' ')));
  EXPECT_FALSE(EndsInLoop("before " + Times(8, "a b " + endless.substr(0, 8190) + ' ')));
  // What is seen of the first word looks like a repetition, but the word is longer.
  EXPECT_FALSE(EndsInLoop("not-" + Times(8, "a b " + endless.substr(0, 8187) + ' ')));
}

TEST(EndsInLoop, CostDoesNotGrowWithTheText) {
  const std::string text = Words(200000);
  for (int i = 0; i < 2000; ++i) ASSERT_FALSE(EndsInLoop(text));
}

}  // namespace
}  // namespace tessy
