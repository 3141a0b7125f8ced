#include "judge/official_choice.h"

#include <cstddef>

#include "base/utf8.h"
#include "judge/ascii.h"
#include "judge/python_text.h"

namespace tessy {
namespace {

bool BeginsWithAnswer(std::string_view text) {
  constexpr std::string_view kWord = "answer";
  return text.size() >= kWord.size() && Lower(text.substr(0, kWord.size())) == kWord;
}

void SkipBlanks(std::string_view& text, bool any_whitespace) {
  while (!text.empty()) {
    const CodePoint first = FirstCodePoint(text);
    const bool blank = any_whitespace ? IsPythonSpace(first.value) : IsBlank(first.value);
    if (!blank) return;
    text.remove_prefix(first.bytes);
  }
}

char FirstChoice(std::string_view text, bool any_whitespace, bool takes_dollar) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (!BeginsWithAnswer(text)) continue;
    std::string_view rest = text.substr(6);
    SkipBlanks(rest, any_whitespace);
    if (!rest.starts_with(':')) continue;
    rest.remove_prefix(1);
    SkipBlanks(rest, any_whitespace);
    if (takes_dollar && rest.starts_with('$')) rest.remove_prefix(1);
    if (rest.empty()) continue;
    const char letter = Lower(rest.substr(0, 1))[0];
    if (letter >= 'a' && letter <= 'd') return rest[0];
  }
  return '\0';
}

}  // namespace

char SimpleEvalsChoice(std::string_view text) { return FirstChoice(text, false, true); }

char OpenCompassChoice(std::string_view text) { return FirstChoice(text, true, false); }

}  // namespace tessy
