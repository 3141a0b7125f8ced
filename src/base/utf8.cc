#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tessy {
namespace {

struct Lead {
  size_t length;  // 0: not a lead byte
  unsigned char second_min, second_max;
};

Lead LeadOf(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Bytes of the longest prefix of `text` that a valid character could begin with, and whether it is a whole
// one.
std::pair<size_t, bool> Prefix(std::string_view text) {
  const Lead lead = LeadOf(static_cast<unsigned char>(text[0]));
  if (lead.length == 0) return {1, false};
  size_t n = 1;
  while (n < lead.length && n < text.size()) {
    const auto byte = static_cast<unsigned char>(text[n]);
    const unsigned char low = n == 1 ? lead.second_min : 0x80;
    const unsigned char high = n == 1 ? lead.second_max : 0xBF;
    if (byte < low || byte > high) break;
    ++n;
  }
  return {n, n == lead.length};
}

template <size_t N>
bool InRanges(char32_t c, const std::array<std::pair<char32_t, char32_t>, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  if (text.empty()) return {};
  const auto [n, whole] = Prefix(text);
  if (!whole) return {kReplacement, n};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (n == 1) return {lead, 1};
  char32_t value = lead & (0xFFU >> (n + 1));
  for (size_t i = 1; i < n; ++i) value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {value, n};
}

CodePoint LastCodePoint(std::string_view text) {
  for (size_t n = 1; n <= std::min<size_t>(4, text.size()); ++n) {
    const std::string_view tail = text.substr(text.size() - n);
    if (LeadOf(static_cast<unsigned char>(tail[0])).length == 0) continue;
    const CodePoint point = FirstCodePoint(tail);
    if (point.bytes == n) return point;
    break;
  }
  return text.empty() ? CodePoint{} : CodePoint{kReplacement, 1};
}

size_t IncompleteTail(std::string_view text) {
  for (size_t n = 1; n <= std::min<size_t>(3, text.size()); ++n) {
    const std::string_view tail = text.substr(text.size() - n);
    if (LeadOf(static_cast<unsigned char>(tail[0])).length == 0) continue;
    const auto [length, whole] = Prefix(tail);
    return !whole && length == n ? n : 0;
  }
  return 0;
}

std::string Sanitize(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [n, whole] = Prefix(text);
    if (whole) {
      out.append(text.substr(0, n));
    } else {
      AppendUtf8(out, kReplacement);
    }
    text.remove_prefix(n);
  }
  return out;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto [n, whole] = Prefix(text);
    if (!whole) return false;
    text.remove_prefix(n);
  }
  return true;
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(Prefix(text).first);
  return count;
}

size_t ByteOffset(std::string_view text, size_t code_point_index) {
  size_t offset = 0;
  for (; code_point_index > 0 && offset < text.size(); --code_point_index) {
    offset += Prefix(text.substr(offset)).first;
  }
  return offset;
}

std::string_view LastCharacters(std::string_view text, size_t count) {
  size_t begin = text.size();
  for (; count > 0 && begin > 0; --count) begin -= LastCodePoint(text.substr(0, begin)).bytes;
  return text.substr(begin);
}

void AppendUtf8(std::string& out, char32_t value) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

bool IsBlankText(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = FirstCodePoint(text);
    if (!IsWhitespace(point.value)) return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

bool IsNewline(char32_t c) { return c == U'\n' || c == U'\r'; }

bool IsBlank(char32_t c) { return c == U' ' || c == U'\t'; }

bool IsWhitespace(char32_t c) {
  return IsBlank(c) || (c >= 0x0A && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool IsSpacelessScript(char32_t c) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 14> kRanges{
      {{0x0E00, 0x0EFF},      // Thai, Lao
       {0x0F00, 0x0FFF},      // Tibetan
       {0x1000, 0x109F},      // Myanmar
       {0x1780, 0x17FF},      // Khmer
       {0x2E80, 0x2FDF},      // radicals
       {0x3001, 0x303F},      // CJK punctuation
       {0x3040, 0x30FF},      // kana
       {0x3100, 0x312F},      // Bopomofo
       {0x31A0, 0x31FF},      // Bopomofo, kana ext.
       {0x3400, 0x4DBF},      // Han ext. A
       {0x4E00, 0x9FFF},      // Han
       {0xF900, 0xFAFF},      // Han compatibility
       {0xFF00, 0xFF9F},      // fullwidth, halfwidth kana
       {0x20000, 0x3FFFF}}};  // Han ext. B and on
  return InRanges(c, kRanges);
}

bool IsCombining(char32_t c) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 36> kRanges{
      {{0x0300, 0x036F},  {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x0EB1, 0x0EB1},
       {0x0EB4, 0x0EBC},  {0x0EC8, 0x0ECE}, {0x0F18, 0x0F19}, {0x0F35, 0x0F35}, {0x0F37, 0x0F37},
       {0x0F39, 0x0F39},  {0x0F3E, 0x0F3F}, {0x0F71, 0x0F84}, {0x0F86, 0x0F87}, {0x0F8D, 0x0FBC},
       {0x0FC6, 0x0FC6},  {0x102B, 0x103E}, {0x1056, 0x1059}, {0x105E, 0x1060}, {0x1062, 0x1064},
       {0x1067, 0x106D},  {0x1071, 0x1074}, {0x1082, 0x108D}, {0x108F, 0x108F}, {0x109A, 0x109D},
       {0x17B4, 0x17D3},  {0x17DD, 0x17DD}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200C, 0x200D},
       {0x20D0, 0x20FF},  {0x302A, 0x302F}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFF9E, 0xFF9F},
       {0xE0100, 0xE01EF}}};
  return InRanges(c, kRanges);
}

bool IsWordCharacter(char32_t c) {
  if (c < 0x80) return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
  static constexpr std::array<std::pair<char32_t, char32_t>, 19> kSymbols{
      {{0x0080, 0x00A9},      // Latin-1 but for ª, µ, º
       {0x00AB, 0x00B4},      // the same
       {0x00B6, 0x00B9},      // the same
       {0x00BB, 0x00BF},      // the same
       {0x00D7, 0x00D7},      // times
       {0x00F7, 0x00F7},      // divided by
       {0x2000, 0x2BFF},      // punctuation … arrows
       {0x2E00, 0x2E7F},      // more punctuation
       {0x3000, 0x3004},      // CJK punctuation
       {0x3008, 0x3020},      // CJK brackets
       {0x3030, 0x3030},      // wavy dash
       {0x30FB, 0x30FB},      // katakana middle dot
       {0xFE00, 0xFE6F},      // variation selectors, forms of punctuation
       {0xFEFF, 0xFEFF},      // byte order mark
       {0xFF01, 0xFF0F},      // fullwidth punctuation
       {0xFF1A, 0xFF20},      // the same
       {0xFF3B, 0xFF40},      // the same
       {0xFF5B, 0xFF65},      // the same, and halfwidth CJK punctuation
       {0x1F000, 0x1FAFF}}};  // pictographs
  return c != kReplacement && !IsWhitespace(c) && !InRanges(c, kSymbols);
}

}  // namespace tessy
