#include "cooperation/cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/utf8.h"

namespace tessy {
namespace {

TEST(CutRule, NamesAreThoseOfTheSettings) {
  EXPECT_EQ(Name(CutRule::kToken), "token");
  EXPECT_EQ(Name(CutRule::kCompleteWord), "complete_word");
  EXPECT_EQ(Name(CutRule::kDropWord), "drop_word");
}

enum class Is { kNoPlace, kSeam, kPlaceOnly };

struct Case {
  const char* name;
  std::string before, after;
  Is is;
};

class PlaceCase : public testing::TestWithParam<Case> {};

TEST_P(PlaceCase, IsJudgedAsTheMethodSays) {
  const Case& c = GetParam();
  EXPECT_EQ(IsCutPlace(c.before, c.after), c.is != Is::kNoPlace);
  EXPECT_EQ(IsSeam(c.before, c.after), c.is == Is::kSeam);
}

auto NameOf() {
  return [](const auto& instance) { return instance.param.name; };
}

INSTANTIATE_TEST_SUITE_P(Blanks, PlaceCase,
                         testing::Values(Case{"AtTheVeryBeginning", "", " so", Is::kNoPlace},
                                         Case{"BeforeTheSpaceOfTheNextWord", "Wait,", " so", Is::kSeam},
                                         Case{"BeforeATab", "x", "\ty", Is::kSeam},
                                         Case{"AfterTheSpace", "Wait, ", "so", Is::kNoPlace},
                                         Case{"InsideAWord", "Wai", "t", Is::kNoPlace},
                                         Case{"BeforePunctuation", "Wait", ", so", Is::kNoPlace},
                                         Case{"AfterPunctuation", "f(", "x)", Is::kNoPlace},
                                         Case{"BetweenSpaces", "x ", " y", Is::kNoPlace},
                                         Case{"AfterATab", "x\t", " y", Is::kNoPlace},
                                         Case{"BeforeANoBreakSpace", "x", "\u00A0y", Is::kNoPlace},
                                         Case{"AfterANoBreakSpace", "x\u00A0", " y", Is::kNoPlace},
                                         Case{"BeforeASpaceAfterAnAccent", "e\u0301", " y", Is::kSeam},
                                         Case{"BetweenEmoji", "😀", "😀", Is::kNoPlace},
                                         Case{"HangulInsideAWord", "한", "글", Is::kNoPlace},
                                         Case{"BetweenHangulWords", "한", " 글", Is::kSeam}),
                         NameOf());

INSTANTIATE_TEST_SUITE_P(Newlines, PlaceCase,
                         testing::Values(Case{"BeforeANewline", "x", "\ny", Is::kNoPlace},
                                         Case{"AfterANewline", "x\n", "y", Is::kSeam},
                                         Case{"InsideARunOfNewlines", "x\n", "\ny", Is::kNoPlace},
                                         Case{"AfterARunOfNewlines", "x\n\n", "y", Is::kSeam},
                                         Case{"BeforeASlash", "x\n", "// y", Is::kNoPlace},
                                         Case{"BeforeIndentation", "x {\n", "  y", Is::kNoPlace},
                                         Case{"BeforeATabOfIndentation", "x {\n", "\ty", Is::kNoPlace},
                                         Case{"BeforeALineOfBlanks", "x\n", " \ny", Is::kNoPlace},
                                         Case{"BeforeAnIndentedParagraph", "x\n", "\u3000中", Is::kNoPlace},
                                         Case{"InsideIndentation", "x {\n ", " y", Is::kNoPlace},
                                         Case{"AfterIndentation", "x {\n  ", "y", Is::kNoPlace},
                                         Case{"BetweenSpaceAndNewline", "x ", "\ny", Is::kNoPlace},
                                         Case{"InsideCrLf", "x\r", "\ny", Is::kNoPlace},
                                         Case{"AfterCrLf", "x\r\n", "y", Is::kSeam},
                                         Case{"AfterANewlineBeforeChinese", "x\n", "中", Is::kSeam},
                                         Case{"BetweenChineseAndNewline", "中", "\n", Is::kNoPlace},
                                         Case{"BeforeAMark", "x\n", "\u0301y", Is::kNoPlace},
                                         Case{"OnlyANewlineBefore", "\n", "y", Is::kSeam},
                                         Case{"AfterALineSeparator", "x\u2028", "y", Is::kNoPlace}),
                         NameOf());

INSTANTIATE_TEST_SUITE_P(Spaceless, PlaceCase,
                         testing::Values(Case{"BetweenChinese", "中", "文", Is::kPlaceOnly},
                                         Case{"BetweenKana", "ひ", "ら", Is::kPlaceOnly},
                                         Case{"BeforeChinesePunctuation", "文", "。", Is::kPlaceOnly},
                                         Case{"FromLatinToChinese", "DP", "的", Is::kPlaceOnly},
                                         Case{"FromChineseToLatin", "用", "DP", Is::kPlaceOnly},
                                         Case{"FromEmojiToChinese", "😀", "好", Is::kPlaceOnly},
                                         Case{"BeforeASpaceAfterChinese", "中", " x", Is::kSeam},
                                         Case{"BetweenSpaceAndChinese", "x ", "中", Is::kNoPlace},
                                         Case{"BeforeAnIdeographicSpace", "中", "\u3000文", Is::kNoPlace},
                                         Case{"AfterAnIdeographicSpace", "中\u3000", "文", Is::kNoPlace},
                                         Case{"BeforeAVoicingMark", "か", "\u3099", Is::kNoPlace},
                                         Case{"AfterAVoicingMark", "か\u3099", "き", Is::kPlaceOnly},
                                         Case{"BeforeAThaiVowelSign", "ก", "\u0E34", Is::kNoPlace},
                                         Case{"AfterAThaiVowelSign", "ก\u0E34", "น", Is::kPlaceOnly},
                                         Case{"BeforeATibetanSubjoinedLetter", "ས", "\u0FA4", Is::kNoPlace},
                                         Case{"BeforeAVariationSelector", "葛", "\U000E0100", Is::kNoPlace},
                                         Case{"BeforeAJoiner", "中", "\u200D", Is::kNoPlace}),
                         NameOf());

INSTANTIATE_TEST_SUITE_P(
    Bytes, PlaceCase,
    testing::Values(Case{"InsideACharacter", "\xE4\xB8", "\xAD", Is::kNoPlace},
                    Case{"InsideACharacterThatIsNeverFinished", "\xE4\xB8", " x", Is::kNoPlace},
                    Case{"InsideAnEmoji", "x\xF0\x9F", "\x98\x80", Is::kNoPlace},
                    Case{"BeginOfACharacterAfterChinese", "中", "\xE6", Is::kPlaceOnly},
                    Case{"BeginOfALongCharacterAfterChinese", "中", "\xF0\xA0\x80", Is::kPlaceOnly},
                    Case{"BeginOfACharacterAfterLatin", "a", "\xE6", Is::kNoPlace},
                    Case{"BeginOfACharacterAfterANewline", "a\n", "\xE6", Is::kNoPlace},
                    Case{"BeginOfACharacterAfterASpace", "a ", "\xE6", Is::kNoPlace},
                    Case{"InvalidByteAfterChinese", "中", "\xFF", Is::kPlaceOnly},
                    Case{"InvalidByteAfterANewline", "a\n", "\xFF", Is::kSeam},
                    Case{"SpaceAfterAnInvalidByte", "a\xFF", " b", Is::kSeam},
                    Case{"StrayContinuationAfterLatin", "a", "\x80", Is::kNoPlace},
                    Case{"NulIsTextToo", std::string(1, '\0'), " x", Is::kSeam}),
    NameOf());

TEST(IsCutPlaceDeathTest, WantsToKnowWhatFollows) { EXPECT_DEATH(IsCutPlace("word", ""), "internal error"); }

// ---- PieceSplitter

using Pieces = std::vector<std::string>;

constexpr size_t kMax = PieceSplitter::kPieceCodePointsMax;

struct Collector {
  Pieces pieces;
  void operator()(std::string_view piece) { pieces.emplace_back(piece); }
};

Pieces Split(std::string_view text) {
  PieceSplitter splitter;
  Collector out;
  splitter.Push(text, out);
  splitter.Finish(out);
  return out.pieces;
}

std::string Joined(const Pieces& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

std::string Repeat(size_t count, std::string_view unit) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(PieceSplitter, PartsProseBeforeItsSpaces) {
  EXPECT_EQ(Split("Okay, let's see. So"), (Pieces{"Okay,", " let's", " see.", " So"}));
}

TEST(PieceSplitter, KeepsNewlinesWithTheTextBeforeThem) {
  EXPECT_EQ(Split("a b\n\n  if x:\n// c\n"), (Pieces{"a", " b\n\n  if", " x:\n//", " c\n"}));
}

TEST(PieceSplitter, GivesAPieceAsSoonAsTheNextCharacterIsKnown) {
  PieceSplitter splitter;
  Collector out;
  splitter.Push("Wait,", out);
  EXPECT_EQ(out.pieces, Pieces{});
  splitter.Push(" s", out);
  EXPECT_EQ(out.pieces, Pieces{"Wait,"});
  EXPECT_EQ(splitter.open(), " s");
  splitter.Push("o\n", out);
  EXPECT_EQ(out.pieces.size(), 1U);
  splitter.Push("\xE4\xB8", out);
  EXPECT_EQ(out.pieces.size(), 1U);
  splitter.Push("\xAD", out);
  EXPECT_EQ(out.pieces, (Pieces{"Wait,", " so\n"}));
  splitter.Finish(out);
  EXPECT_EQ(out.pieces, (Pieces{"Wait,", " so\n", "中"}));
  EXPECT_EQ(splitter.open(), "");
}

TEST(PieceSplitter, NothingMakesNoPiece) {
  EXPECT_EQ(Split(""), Pieces{});
  PieceSplitter splitter;
  Collector out;
  splitter.Push("", out);
  splitter.Finish(out);
  splitter.Finish(out);
  EXPECT_EQ(out.pieces, Pieces{});
}

TEST(PieceSplitter, CutsLongTextWithoutSeamsAtTheLastPlaceBetweenCharacters) {
  EXPECT_EQ(Split(Repeat(kMax, "中")), Pieces{Repeat(kMax, "中")});
  EXPECT_EQ(Split(Repeat(kMax + 1, "中")), (Pieces{Repeat(kMax, "中"), "中"}));
  EXPECT_EQ(Split(Repeat(3 * kMax, "中")), Pieces(3, Repeat(kMax, "中")));
  // The 64th character has a mark: the piece ends before it.
  EXPECT_EQ(Split(Repeat(kMax - 1, "か") + "か\u3099き"), (Pieces{Repeat(kMax - 1, "か"), "か\u3099き"}));
  EXPECT_EQ(Split("中文" + Repeat(kMax, "x")), (Pieces{"中文", Repeat(kMax, "x")}));
}

TEST(PieceSplitter, LeavesAWordWithoutPlacesWhole) {
  EXPECT_EQ(Split(Repeat(1000, "x") + " y"), (Pieces{Repeat(1000, "x"), " y"}));
  EXPECT_EQ(Split(Repeat(1000, "x") + "中文"), (Pieces{Repeat(1000, "x"), "中文"}));
}

TEST(PieceSplitter, ASeamAtTheLimitIsASeam) {
  EXPECT_EQ(Split(Repeat(kMax, "中") + " x"), (Pieces{Repeat(kMax, "中"), " x"}));
  EXPECT_EQ(Split("中" + Repeat(kMax - 1, "x") + " y"), (Pieces{"中" + Repeat(kMax - 1, "x"), " y"}));
  EXPECT_EQ(Split("中" + Repeat(kMax, "x") + " y"), (Pieces{"中", Repeat(kMax, "x"), " y"}));
}

TEST(PieceSplitter, ReadsAMegabyteByteByByte) {
  PieceSplitter splitter;
  Collector out;
  const std::string word(1 << 20, 'x');
  for (const char c : word) splitter.Push(std::string_view(&c, 1), out);
  splitter.Finish(out);
  EXPECT_EQ(out.pieces, Pieces{word});
}

// ---- properties, over texts of many kinds

std::vector<std::string> Samples() {
  return {
      "Okay, let's see. The problem asks for the longest path; wait,  maybe not...\n\nHmm. \"So\" it's O(n "
      "log n).",
      "int main() {\n\tfor (int i = 0; i < n; ++i) {\n    // sum\n    s += a[i];\r\n\n\n  }\n/* end */ "
      "return 0;\n}\n",
      "# Title\n\n| a | b |\n|---|---|\n| 1 | `x y` |\n\n* item\n  * "
      "[link](http://x.y/z?q=1#f)\n\n```py\nprint( 1 )\n```\n",
      "好的，让我想一想。这道题要求最长路径，用DP的话需要O(n^2)"
      "的时间，等等，也许不用。\n所以我们先排序，然后再用二分查找，"
      "这样总的复杂度就是O(n log "
      "n)，空间复杂度是O(n)。另外需要注意边界情况，比如n等于一的时候，答案应该是零而不是一。\n",
      "えっと、まず問題を考えましょう。ハ\u3099ク\u3099はどこですか？ｶﾞｷﾞ　次に、グラフの最短経路をダイクスト"
      "ラ法で求めます。"
      "計算量はO(E log "
      "V)になりますが、負の辺があるときはベルマンフォード法を使わなければなりません。はい。\n\nつまり",
      "โอเค ลองคิดดูก่อนว่าปัญหานี้ต้องการอะไรและเราควรใช้วิธีไหนในการแก้ปัญหานี้ให้เร็วที่สุดเท่าที่จะเป็นไปได้ "
      "จากนั้นเราก็จะเขียนโปรแกรมกันทีละขั้นตอน",
      "👩‍💻👩‍👩‍👧‍👦 ok 👍🏽好👍🏽好🏳️‍🌈\n❤️‍🔥 "
      "1️⃣2️⃣ "
      "🇩🇪🇫🇷" +
          Repeat(30, "👩‍💻") + "好" + Repeat(30, "👍🏽") + "的 é e\u0301e\u0301",
      "bad \xFF\xFE bytes \x80\x80 and \xE4\xB8 x\xF0\x9F\x98 中\xE4\xB8中\xC0\xAF\n\xED\xA0\x80 \xF5" +
          Repeat(40, "\xE4\xB8") + Repeat(40, "\x80中") + " end \xF0\x9F",
      Repeat(70, "x") + "中" + Repeat(70, "y") + "文\n" + Repeat(70, "/") + " " + Repeat(130, "字") +
          "\n\n\n/ \t \n x",
  };
}

uint32_t Draw(uint64_t seed, uint64_t index, uint32_t below) {
  return static_cast<uint32_t>(UniformAt(seed, 0, index) * below);
}

// Parts of all samples, shuffled together: texts that no author would think of.
std::string Mixture(uint64_t seed) {
  const std::vector<std::string> samples = Samples();
  std::string text;
  for (uint64_t i = 0; i < 40; i += 4) {
    const std::string& sample = samples[Draw(seed, i, static_cast<uint32_t>(samples.size()))];
    const size_t begin = Draw(seed, i + 1, static_cast<uint32_t>(sample.size()));
    text += sample.substr(begin, 1 + Draw(seed, i + 2, i % 8 == 0 ? 150 : 12));
  }
  return text;
}

std::vector<std::string> ManyTexts() {
  std::vector<std::string> texts = Samples();
  for (uint64_t seed = 0; seed < 300; ++seed) texts.push_back(Mixture(seed));
  return texts;
}

Pieces SplitInChunks(std::string_view text, uint64_t seed, uint32_t chunk_max) {
  PieceSplitter splitter;
  Collector out;
  for (uint64_t i = 0; !text.empty(); ++i) {
    const size_t size = std::min<size_t>(text.size(), Draw(seed, i, chunk_max + 1));
    splitter.Push(text.substr(0, size), out);
    text.remove_prefix(size);
  }
  splitter.Finish(out);
  return out.pieces;
}

TEST(PieceSplitterProperty, PiecesAreTheText) {
  for (const std::string& text : ManyTexts()) EXPECT_EQ(Joined(Split(text)), text);
}

TEST(PieceSplitterProperty, PiecesDoNotDependOnHowTheTextArrives) {
  for (const std::string& text : ManyTexts()) {
    const Pieces whole = Split(text);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const uint32_t chunk_max = seed < 4 ? 1 : static_cast<uint32_t>(1 + seed * 3);
      ASSERT_EQ(SplitInChunks(text, seed, chunk_max), whole) << text << "\nseed " << seed;
    }
  }
}

// The places of a text by definition: between any two characters, the second of which is all there.
struct Places {
  std::vector<size_t> seams, all;

  explicit Places(std::string_view text) {
    for (size_t at = FirstCodePoint(text).bytes; at < text.size();) {
      const std::string_view after = text.substr(at);
      if (IncompleteTail(after) == after.size()) break;
      if (IsSeam(text.substr(0, at), after)) seams.push_back(at);
      if (IsCutPlace(text.substr(0, at), after)) all.push_back(at);
      at += FirstCodePoint(after).bytes;
    }
  }
};

// True if there is an element in (begin, end).
bool AnyInside(const std::vector<size_t>& sorted, size_t begin, size_t end) {
  const auto next = std::upper_bound(sorted.begin(), sorted.end(), begin);
  return next != sorted.end() && *next < end;
}

bool Has(const std::vector<size_t>& sorted, size_t x) {
  return std::binary_search(sorted.begin(), sorted.end(), x);
}

void ExpectRightPieces(std::string_view text) {
  const Places places(text);
  const size_t known = text.size() - IncompleteTail(text);  // no place is judged by half a character
  size_t begin = 0;
  for (const std::string& piece : Split(text)) {
    const size_t end = begin + piece.size();
    const size_t limit = begin + ByteOffset(text.substr(begin), kMax);
    ASSERT_FALSE(AnyInside(places.seams, begin, end)) << "a seam inside [" << piece << "]";
    if (std::min(end, known) > limit) {
      ASSERT_FALSE(AnyInside(places.all, begin, end)) << "needlessly long: [" << piece << "]";
    }
    if (end < text.size() && !Has(places.seams, end)) {
      ASSERT_TRUE(Has(places.all, end)) << "no place after [" << piece << "]";
      ASSERT_FALSE(AnyInside(places.seams, begin, limit + 1)) << "needlessly cut: [" << piece << "]";
      ASSERT_FALSE(AnyInside(places.all, end, limit + 1)) << "needlessly short: [" << piece << "]";
    }
    begin = end;
  }
}

TEST(PieceSplitterProperty, PiecesEndAtSeamsOrForTheirLengthBetweenCharacters) {
  for (const std::string& text : ManyTexts()) ASSERT_NO_FATAL_FAILURE(ExpectRightPieces(text)) << text;
}

TEST(PieceSplitterProperty, PiecesNeverEndInsideACharacter) {
  for (const std::string& text : ManyTexts()) {
    if (!IsValidUtf8(text)) continue;
    for (const std::string& piece : Split(text)) ASSERT_TRUE(IsValidUtf8(piece)) << text;
  }
}

TEST(PieceSplitter, DropForgetsTheEndOfTheOpenText) {
  PieceSplitter splitter;
  Collector out;
  splitter.Push("so wai", out);
  splitter.Drop(4);
  EXPECT_EQ(splitter.open(), "");
  splitter.Push("x", out);
  splitter.Drop(0);
  splitter.Push(" y", out);
  splitter.Drop(1);
  splitter.Finish(out);
  EXPECT_EQ(out.pieces, (Pieces{"so", "x", " "}));
}

TEST(PieceSplitterDeathTest, DropReachesNoFurtherThanTheOpenText) {
  PieceSplitter splitter;
  Collector out;
  splitter.Push("so wai", out);
  EXPECT_DEATH(splitter.Drop(5), "internal error");
}

// Text that completed no piece can be taken back as if it had never been.
TEST(PieceSplitterProperty, DroppedTextLeavesNoTrace) {
  const std::vector<std::string> texts = ManyTexts();
  int dropped = 0;
  for (uint64_t seed = 0; seed < texts.size(); ++seed) {
    const std::string& text = texts[seed];
    const std::string& other = texts[(seed * 7 + 3) % texts.size()];
    PieceSplitter splitter;
    Collector out;
    for (size_t at = 0, i = 0; at < text.size(); i += 3) {
      const size_t size = std::min<size_t>(text.size() - at, 1 + Draw(seed, i, 9));
      splitter.Push(std::string_view(text).substr(at, size), out);
      at += size;
      const std::string_view detour = std::string_view(other).substr(
          Draw(seed, i + 1, static_cast<uint32_t>(other.size())), Draw(seed, i + 2, 40));
      PieceSplitter detoured = splitter;
      Collector on_detour;
      detoured.Push(detour, on_detour);
      if (!on_detour.pieces.empty()) continue;
      detoured.Drop(detour.size());
      ASSERT_EQ(detoured.open(), splitter.open());
      splitter = detoured;
      ++dropped;
    }
    splitter.Finish(out);
    ASSERT_EQ(out.pieces, Split(text)) << text;
  }
  EXPECT_GT(dropped, 1000);
}

}  // namespace
}  // namespace tessy
