// Texts of strangers as they are shown: UTF-8, what could drive a terminal, HTML, shortening, words.
#include "base/file_text.h"
#include "base/html.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "base/words.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void CheckUtf8(std::string_view input) {
  const std::string sound = Sanitize(input);
  Require(IsValidUtf8(sound), "sanitized text is UTF-8");
  Require(IsValidUtf8(input) == (sound == input), "UTF-8 comes back unchanged, and nothing else does");
  Require(CountCodePoints(sound) == CountCodePoints(input), "sanitizing keeps the number of characters");
  Require(IncompleteTail(input) <= 3, "a character has at most four bytes");
  std::string joined;
  for (std::string_view rest = input; !rest.empty();) {
    const CodePoint c = FirstCodePoint(rest);
    Require(c.bytes > 0 && c.bytes <= rest.size(), "a character takes bytes");
    AppendUtf8(joined, c.value);
    rest.remove_prefix(c.bytes);
  }
  Require(joined == sound, "characters one by one are the sanitized text");
  if (!input.empty()) Require(LastCodePoint(input).bytes > 0, "there is a last character");
  Require(ByteOffset(input, CountCodePoints(input)) == input.size(), "behind the last character is the end");
}

void Run(std::string_view input) {
  CheckUtf8(input);
  const std::string visible = Visible(input);
  Require(IsValidUtf8(visible) && Visible(visible) == visible, "visible text stays as it is");
  const std::string line = VisibleLine(input);
  Require(line.find_first_of("\r\n\t") == std::string::npos, "a visible line is one line");
  Require(EscapeHtml(input).find_first_of("<>\"'") == std::string::npos, "escaped text holds no markup");
  Require(LineShortened(visible).size() < 3200 && IsValidUtf8(LineShortened(visible)),
          "a shortened line is short and UTF-8");
  Require(Shortened(visible).size() < 90 && IsValidUtf8(Shortened(visible)),
          "a shortened name is short and UTF-8");
  const std::string plain = AsPlainText(std::string(input));
  Require(plain.size() <= input.size(), "plain text is not longer");
  size_t covered = 0;
  for (const ByteRange& word : WordsOf(input)) {
    Require(word.start >= covered && word.start < word.end && word.end <= input.size(), "words ascend");
    covered = word.end;
  }
  Note(std::string(IsValidUtf8(input) ? "u" : "") + (visible == input ? "v" : "") +
       (plain == input ? "p" : ""));
}

const Registration kRegistered(
    {.name = "texts",
     .grammar = kProse,
     .seeds = {"Okay, so <b>1 & 2</b>\r\n\x1B[31m \xE4\xBD\xA0\xE5\xA5\xBD a\xCC\x81 \xF0\x9F\x98\x80",
               "\xEF\xBB\xBF"
               "a\xE2\x80\xAE"
               "b\xC2\x9B\xED\xA0\x80\xF4\x90\x80\x80\xC0\x80"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
