#include "base/visible.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace tessy {
namespace {

// Characters that drive a terminal, have no width, or change how their neighbours are laid out. Joiners
// (U+200C, U+200D) and variation selectors are left alone: Persian, Indic scripts and emoji are written with
// them.
constexpr bool IsTreacherous(char32_t c) {
  return c < 0x20 || c == 0x7F              // C0 controls and delete
         || (c >= 0x80 && c <= 0x9F)        // C1 controls: U+009B opens an escape sequence as ESC [ does
         || c == 0xAD || c == 0x061C        // soft hyphen, Arabic letter mark
         || c == 0x180E || c == 0x200B      // Mongolian vowel separator, zero-width space
         || c == 0x200E || c == 0x200F      // left-to-right and right-to-left mark
         || (c >= 0x2028 && c <= 0x202E)    // line and paragraph separator, embeddings and overrides
         || (c >= 0x2060 && c <= 0x206F)    // word joiner, isolates, deprecated format characters
         || c == 0xFEFF                     // byte-order mark
         || (c >= 0xFFF9 && c <= 0xFFFB)    // interlinear annotation
         || (c >= 0xE0000 && c <= 0xE007F)  // tags: text that nobody sees
      ;
}

std::string MakeVisible(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    text.remove_prefix(c.bytes);
    if (keep_lines && (c.value == '\n' || c.value == '\t')) {
      AppendUtf8(out, c.value);
    } else if (IsTreacherous(c.value)) {
      out += fmt::format("<U+{:04X}>", static_cast<uint32_t>(c.value));
    } else {
      AppendUtf8(out, c.value);
    }
  }
  return out;
}

}  // namespace

std::string Visible(std::string_view text) { return MakeVisible(text, true); }
std::string VisibleLine(std::string_view text) { return MakeVisible(text, false); }

}  // namespace tessy
