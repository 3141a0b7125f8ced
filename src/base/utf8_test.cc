#include "base/utf8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {
namespace {

constexpr char32_t kLast = 0x10FFFF;

bool IsScalar(char32_t c) { return c <= kLast && (c < 0xD800 || c > 0xDFFF); }

std::string Show(char32_t c) {
  std::ostringstream out;
  out << "U+" << std::hex << static_cast<uint32_t>(c);
  return out.str();
}

std::string Encoded(char32_t c) {
  std::string bytes;
  AppendUtf8(bytes, c);
  return bytes;
}

// An oracle that shares nothing with the code under test but the encoder (which has known answers of its
// own): the set of all beginnings of all encoded characters, as the standard defines maximal subparts.
class Beginnings {
 public:
  Beginnings() : proper_(size_t{1} << 24) {
    for (char32_t c = 0; c <= kLast; ++c) {
      if (!IsScalar(c)) continue;
      const std::string bytes = Encoded(c);
      for (size_t n = 1; n < bytes.size(); ++n) proper_[Key(bytes.substr(0, n))] = true;
    }
  }

  static const Beginnings& Get() {
    static const Beginnings beginnings;
    return beginnings;
  }

  // True if `bytes` begin a character without finishing it.
  bool IsProper(std::string_view bytes) const {
    return !bytes.empty() && bytes.size() <= 3 && bytes[0] != '\0' && proper_[Key(bytes)];
  }
  static bool IsWhole(std::string_view bytes) {
    if (bytes.empty() || bytes.size() > 4) return false;
    const char32_t c = Bits(bytes);
    return IsScalar(c) && Encoded(c) == bytes;
  }
  CodePoint First(std::string_view text) const {
    if (text.empty()) return {};
    for (size_t n = std::min<size_t>(4, text.size()); n > 0; --n) {
      if (IsWhole(text.substr(0, n))) return {Bits(text.substr(0, n)), n};
    }
    for (size_t n = std::min<size_t>(3, text.size()); n > 0; --n) {
      if (IsProper(text.substr(0, n))) return {kReplacement, n};
    }
    return {kReplacement, 1};
  }
  size_t Tail(std::string_view text) const {
    for (size_t n = std::min<size_t>(3, text.size()); n > 0; --n) {
      if (IsProper(text.substr(text.size() - n))) return n;
    }
    return 0;
  }

 private:
  // Beginnings of different lengths have different keys, because a lead byte is never 0.
  static size_t Key(std::string_view bytes) {
    size_t key = 0;
    for (const char c : bytes) key = key << 8 | static_cast<unsigned char>(c);
    return key;
  }
  static char32_t Bits(std::string_view bytes) {
    static constexpr unsigned kLeadMask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t value = static_cast<unsigned char>(bytes[0]) & kLeadMask[bytes.size()];
    for (const char c : bytes.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3FU);
    return value;
  }

  std::vector<bool> proper_;
};

std::string Hex(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
  }
  return hex;
}

struct Part {
  size_t offset;
  CodePoint point;
};

std::vector<Part> Parts(std::string_view text) {
  std::vector<Part> parts;
  for (size_t offset = 0; offset < text.size();) {
    const CodePoint point = Beginnings::Get().First(text.substr(offset));
    parts.push_back({offset, point});
    offset += point.bytes;
  }
  return parts;
}

void ExpectCharacterByCharacter(std::string_view text, const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    const CodePoint first = FirstCodePoint(text.substr(part.offset));
    const CodePoint last = LastCodePoint(text.substr(0, part.offset + part.point.bytes));
    ASSERT_EQ(first.value, part.point.value) << Hex(text) << "at " << part.offset;
    ASSERT_EQ(first.bytes, part.point.bytes) << Hex(text) << "at " << part.offset;
    ASSERT_EQ(last.value, part.point.value) << Hex(text) << "at " << part.offset;
    ASSERT_EQ(last.bytes, part.point.bytes) << Hex(text) << "at " << part.offset;
  }
  for (size_t i = 0; i < parts.size(); ++i) ASSERT_EQ(ByteOffset(text, i), parts[i].offset) << Hex(text);
  ASSERT_EQ(ByteOffset(text, parts.size()), text.size()) << Hex(text);
  ASSERT_EQ(ByteOffset(text, parts.size() + 1), text.size()) << Hex(text);
}

void ExpectAsTheStandardSays(std::string_view text) {
  const std::vector<Part> parts = Parts(text);
  std::string sanitized;
  for (const Part& part : parts) sanitized += Encoded(part.point.value);

  ExpectCharacterByCharacter(text, parts);
  ASSERT_EQ(IncompleteTail(text), Beginnings::Get().Tail(text)) << Hex(text);
  ASSERT_EQ(Sanitize(text), sanitized) << Hex(text);
  ASSERT_EQ(IsValidUtf8(text), sanitized == text) << Hex(text);
  ASSERT_TRUE(IsValidUtf8(sanitized)) << Hex(text);
  ASSERT_EQ(CountCodePoints(text), parts.size()) << Hex(text);
  ASSERT_EQ(CountCodePoints(sanitized), parts.size()) << Hex(text);
}

// Calls `visit` for all strings of `length` bytes, each one of `alphabet`.
template <class F>
void ForAllStrings(const std::string& alphabet, size_t length, std::string& text, F&& visit) {
  if (text.size() == length) return visit(std::string_view(text));
  for (const char c : alphabet) {
    text.push_back(c);
    ForAllStrings(alphabet, length, text, visit);
    text.pop_back();
  }
}

void ExpectAllStringsAsTheStandardSays(const std::string& alphabet, size_t length) {
  std::string text;
  ForAllStrings(alphabet, length, text, [](std::string_view all) {
    if (!testing::Test::HasFatalFailure()) ExpectAsTheStandardSays(all);
  });
}

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

TEST(Utf8, EncodesTheKnownAnswers) {
  EXPECT_EQ(Encoded(0), std::string(1, '\0'));
  EXPECT_EQ(Encoded(0x7F), "\x7F");
  EXPECT_EQ(Encoded(0x80), "\xC2\x80");
  EXPECT_EQ(Encoded(0x7FF), "\xDF\xBF");
  EXPECT_EQ(Encoded(0x800), "\xE0\xA0\x80");
  EXPECT_EQ(Encoded(0x20AC), "\xE2\x82\xAC");
  EXPECT_EQ(Encoded(0xFFFF), "\xEF\xBF\xBF");
  EXPECT_EQ(Encoded(0x10000), "\xF0\x90\x80\x80");
  EXPECT_EQ(Encoded(0x10FFFF), "\xF4\x8F\xBF\xBF");
}

TEST(Utf8, LastCharactersBeginAtACharacter) {
  EXPECT_EQ(LastCharacters("añ€😀", 0), "");
  EXPECT_EQ(LastCharacters("añ€😀", 1), "😀");
  EXPECT_EQ(LastCharacters("añ€😀", 3), "ñ€😀");
  EXPECT_EQ(LastCharacters("añ€😀", 4), "añ€😀");
  EXPECT_EQ(LastCharacters("añ€😀", 5), "añ€😀");
  EXPECT_EQ(LastCharacters("a\xF0\x9F", 1), "\xF0\x9F") << "a torn character counts as one";
}

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t c = 0; c <= kLast; ++c) {
    const std::string bytes = Encoded(c);
    const CodePoint first = FirstCodePoint(bytes);
    const CodePoint last = LastCodePoint(bytes);
    if (IsScalar(c)) {
      ASSERT_EQ(first.value, c);
      ASSERT_EQ(first.bytes, bytes.size());
      ASSERT_EQ(last.value, c);
      ASSERT_EQ(last.bytes, bytes.size());
      ASSERT_EQ(IncompleteTail(bytes), 0U);
    }
    ASSERT_EQ(IsValidUtf8(bytes), IsScalar(c)) << Show(c);
  }
}

TEST(Utf8, EveryBeginningOfACharacterIsAnIncompleteTail) {
  for (char32_t c = 0x80; c <= kLast; c += c < 0x3000 ? 1 : 61) {
    if (!IsScalar(c)) continue;
    const std::string text = std::string(1, 'x').append(Encoded(c));
    for (size_t n = 1; n + 1 < text.size(); ++n)
      ASSERT_EQ(IncompleteTail(text.substr(0, n + 1)), n) << Show(c);
    ASSERT_EQ(IncompleteTail(text), 0U) << Show(c);
  }
}

TEST(Utf8, EmptyTextHasNoCharacters) {
  EXPECT_EQ(FirstCodePoint("").bytes, 0U);
  EXPECT_EQ(LastCodePoint("").bytes, 0U);
  EXPECT_EQ(IncompleteTail(""), 0U);
  EXPECT_EQ(Sanitize(""), "");
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_EQ(CountCodePoints(""), 0U);
  EXPECT_EQ(ByteOffset("", 3), 0U);
}

TEST(Utf8, AllStringsOfOneAndTwoBytesAreReadAsTheStandardSays) {
  ExpectAllStringsAsTheStandardSays(AllBytes(), 1);
  ExpectAllStringsAsTheStandardSays(AllBytes(), 2);
}

TEST(Utf8, AllStringsOfThreeInterestingBytesAreReadAsTheStandardSays) {
  // Both ends of every range of table 3-7, and the bytes just outside.
  const std::string interesting(
      "\x00\x61\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF",
      25);
  ExpectAllStringsAsTheStandardSays(interesting, 3);
}

TEST(Utf8, AllStringsOfFourAndFiveInterestingBytesAreReadAsTheStandardSays) {
  ExpectAllStringsAsTheStandardSays("\x61\x80\x8F\x90\x9F\xA0\xBF\xC2\xE0\xE1\xED\xF0\xF1\xF4\xF5", 4);
  ExpectAllStringsAsTheStandardSays("\x61\x80\x90\xA0\xBF\xC2\xE1\xF1", 5);
}

TEST(Utf8, SanitizeGivesTheExamplesOfTheStandard) {
  const std::string bad = Encoded(kReplacement);
  // Unicode Standard, tables 3-8 to 3-11.
  EXPECT_EQ(Sanitize("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            bad + bad + bad + bad + bad + bad + bad + bad + "A");
  EXPECT_EQ(Sanitize("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            bad + bad + bad + bad + bad + bad + bad + bad + "A");
  EXPECT_EQ(Sanitize("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            bad + bad + bad + bad + bad + "A" + bad + bad + "B");
  EXPECT_EQ(Sanitize("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), bad + bad + bad + bad + "A");
}

TEST(Utf8, ByteOffsetCountsCharactersNotBytes) {
  const std::string text = "aé中😀b";
  EXPECT_EQ(CountCodePoints(text), 5U);
  const std::vector<size_t> offsets = {0, 1, 3, 6, 10, 11, 11};
  for (size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(ByteOffset(text, i), offsets[i]) << i;
}

struct ClassCase {
  const char* what;
  bool (*is)(char32_t);
  std::u32string_view in, out;
};

void ExpectClass(const ClassCase& c) {
  for (const char32_t x : c.in) EXPECT_TRUE(c.is(x)) << c.what << ' ' << Show(x);
  for (const char32_t x : c.out) EXPECT_FALSE(c.is(x)) << c.what << ' ' << Show(x);
}

TEST(CharacterClass, WhitespaceIsUnicodes) {
  ExpectClass({"newline", IsNewline, U"\n\r", U" \t\v\f\u0085\u2028a"});
  ExpectClass({"blank", IsBlank, U" \t", U"\n\r\v\f\u00A0\u3000a"});
  ExpectClass({"whitespace", IsWhitespace,
               U" \t\n\v\f\r\u0085\u00A0\u1680\u2000\u2005\u200A\u2028\u2029\u202F\u205F\u3000",
               U"a0_\x08\x0E\x1F\u0084\u0086\u200B\u200D\u2060\uFEFF\u180E"});
}

TEST(CharacterClass, SpacelessScriptsAreThoseWrittenWithoutSpaces) {
  ExpectClass(
      {"spaceless", IsSpacelessScript,
       U"中文㐀豈𠀀𰀀ひカｶㄅ。、「」，！ａไทยລາວကြមြབོད々〇",
       U"aZ0é.,;:—…“”한글ąжअעم \n\u3000😀∑→"});
}

TEST(CharacterClass, MarksOfEverySpacelessScriptCombine) {
  ExpectClass({"combining", IsCombining,
               U"\u0301\u036F\u0E31\u0E34\u0E4E\u0EB1\u0EBC\u0EC8\u0F39\u0F71\u0F84\u0F90\u0FBC\u102B\u103E"
               U"\u1056\u109D"
               U"\u17B4\u17D2\u17DD\u200C\u200D\u20E3\u302A\u3099\u309A\uFE0F\uFF9E\U000E0100",
               U"a0 \nก\u0E33\u0E40\u0E3F\u0EBDཀကក中ひ。\u3030\U0001F44D\uFF9D"});
}

TEST(CharacterClass, WordCharactersAreLettersAndDigitsOfAnyScript) {
  ExpectClass(
      {"word", IsWordCharacter, U"azAZ09éßªµąжअעم한中㐀𠀀ひカｶ々〇ไ９Ａｚ",
       U"_-|*#=+`~.,;:!?()[]{}<>/\\\"'@$%^& \t\n\u00A0«»×÷·—…“”→─│█■●★✓⸺。、「」〜〰・，！：？［］｛｜｝～｡｢"
       U"\u200D\uFE0F\uFEFF\uFFFD\u3000😀👍🏽"});
}

TEST(CharacterClass, SpacelessScriptsHoldNoWhitespace) {
  for (char32_t c = 0; c <= kLast; ++c) {
    ASSERT_FALSE(IsSpacelessScript(c) && IsWhitespace(c)) << Show(c);
    ASSERT_FALSE(IsWordCharacter(c) && IsWhitespace(c)) << Show(c);
    ASSERT_FALSE(IsBlank(c) && IsNewline(c));
  }
}

TEST(IsBlankText, KnowsWhitespaceOfAnyKind) {
  for (const char* blank : {"", " ", "\n\t \r", "\u3000\u00A0 "}) EXPECT_TRUE(IsBlankText(blank)) << blank;
  for (const char* text : {".", "  a", "\u3000中", "\xFF", " \xE3\x80"})
    EXPECT_FALSE(IsBlankText(text)) << text;
}

}  // namespace
}  // namespace tessy
