#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tessy {

// UTF-8 as the Unicode Standard defines it (table 3-7: no overlong forms, no surrogates, nothing past
// U+10FFFF). Everything here takes any bytes, is pure and never throws.

inline constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value = 0;  // kReplacement where the bytes are not UTF-8
  size_t bytes = 0;    // 0 only for empty input
};

CodePoint FirstCodePoint(std::string_view text);
CodePoint LastCodePoint(std::string_view text);

// True if the text holds nothing but whitespace, or nothing at all.
bool IsBlankText(std::string_view text);

// The number of bytes (0 to 3) at the end of `text` that begin a character and do not finish it. Bytes that
// no continuation can make valid count as finished.
size_t IncompleteTail(std::string_view text);

// Replaces each maximal invalid part by U+FFFD (Unicode Standard, section 3.9, "substitution of maximal
// subparts"). Valid text comes back unchanged.
std::string Sanitize(std::string_view text);
bool IsValidUtf8(std::string_view text);

// The number of code points. Each maximal invalid part counts as one, so the count is the same after
// Sanitize.
size_t CountCodePoints(std::string_view text);

// The byte offset of the code point with this index; text.size() if the text has fewer code points.
size_t ByteOffset(std::string_view text, size_t code_point_index);

// The last `count` code points, or all of the text if it has fewer. It never begins inside a character.
std::string_view LastCharacters(std::string_view text, size_t count);

void AppendUtf8(std::string& out, char32_t value);

// Character classes, as far as cutting and counting words needs them.
bool IsNewline(char32_t c);     // LF, CR
bool IsBlank(char32_t c);       // space, tab
bool IsWhitespace(char32_t c);  // Unicode White_Space
// Scripts that are written without spaces between words: Han, kana, Bopomofo, Thai, Lao, Khmer, Myanmar,
// Tibetan and the CJK and fullwidth punctuation that goes with them. (Hangul is written with spaces.)
bool IsSpacelessScript(char32_t c);
// Combining marks, joiners and variation selectors, which must not be separated from their base.
bool IsCombining(char32_t c);
// Letter or digit of any script: ASCII exactly; every other character that is not whitespace, punctuation or
// a symbol block counts as one.
bool IsWordCharacter(char32_t c);

}  // namespace tessy
