#include "judge/math_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <utility>

#include "base/utf8.h"
#include "judge/ascii.h"
#include "judge/math_spellings.h"

namespace tessy {
namespace {

// Commands whose argument is words.
constexpr std::string_view kWordCommands[] = {"text",   "textbf",       "textit", "textrm",
                                              "mbox",   "textnormal",   "texttt", "emph",
                                              "textsf", "operatorname", "mathrm"};
constexpr std::string_view kJoiners[] = {"and",   "or",   "and,", "or,", ",and", ",or",
                                         ", and", ", or", "和",   "或",  "以及", "或者"};

class Undresser {
 public:
  explicit Undresser(std::string_view text)
      : text_(text), has_rows_(text.find("\\begin") != std::string_view::npos) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(out_);
  }

 private:
  void Step() {
    const std::string_view rest = text_.substr(at_);
    if (rest[0] == '\\') return Command();
    if (rest[0] == '$') {
      ++at_;
    } else if (rest[0] == '~') {
      Put(" ");
      ++at_;
    } else if (rest.starts_with("{-}") || rest.starts_with("{+}")) {
      out_ += rest[1];
      at_ += 3;
    } else if (rest.starts_with("{,}") && !out_.empty() && IsDigit(out_.back()) && rest.size() > 3 &&
               IsDigit(rest[3])) {
      at_ += 3;  // 1{,}000: the braces say that it is no list
    } else if (static_cast<unsigned char>(rest[0]) < 0x80) {
      Plain(rest[0]);
      ++at_;
    } else {
      Character(FirstCodePoint(rest));
    }
  }

  void Put(std::string_view text) { out_ += text; }
  void Plain(char c) { out_ += IsSpace(c) ? ' ' : c; }

  void Character(const CodePoint& character) {
    const std::string_view bytes = text_.substr(at_, std::max<size_t>(1, character.bytes));
    at_ += bytes.size();
    const char32_t c = character.value;
    if (c >= 0xFF01 && c <= 0xFF5E) return Plain(static_cast<char>(c - 0xFF01 + '!'));
    if (const auto plain = PlainCharacter(c)) return Put(*plain);
    Put(IsWhitespace(c) ? " " : bytes);
  }

  void Command() {
    const std::string_view rest = text_.substr(at_);
    size_t end = 1;
    while (end < rest.size() && IsLetter(rest[end])) ++end;
    if (end == 1) return Sign(rest.substr(0, 2));
    const std::string_view name = rest.substr(1, end - 1);
    at_ += end;
    if (name == "pmod") {
      Argument();
      return;
    }
    if (name == "left" || name == "right") SkipInvisible();
    if (Holds(kWordCommands, name)) return Words(Argument(), name);
    const auto plain = PlainCommand(name);
    if (!plain) {
      out_ += '\\';
      Put(name);
      return;
    }
    Put(*plain);
    // \frac stays a command of its own before a letter.
    if (!plain->empty() && IsLetter(plain->back()) && at_ < text_.size() && IsLetter(text_[at_])) Put(" ");
  }

  // \left. is a bracket that is not seen.
  void SkipInvisible() {
    if (at_ < text_.size() && text_[at_] == '.') ++at_;
  }

  void Sign(std::string_view sign) {
    at_ += std::max<size_t>(1, sign.size());
    if (sign.size() < 2) return;
    switch (sign[1]) {
      case ',':
      case ';':
      case ':':
      case '>':
      case ' ':
      case '\n':
        return Put(" ");
      case '!':
      case '(':
      case ')':
      case '[':
      case ']':
      case '$':
        return;
      case '{':
      case '}':
        return Put(sign);
      case '\\':
        // A row of a matrix ends with it; elsewhere somebody wrote every backslash twice.
        if (has_rows_) return Put(sign);
        --at_;
        return;
      default:
        return Put(sign.substr(1));
    }
  }

  // The text of the group that comes next, or of one character.
  std::string_view Argument() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    if (at_ >= text_.size()) return {};
    if (text_[at_] != '{') return text_.substr(at_++, 1);
    const size_t begin = ++at_;
    int depth = 1;
    for (; at_ < text_.size(); ++at_) {
      depth += text_[at_] == '{' ? 1 : text_[at_] == '}' ? -1 : 0;
      if (depth == 0) return text_.substr(begin, at_++ - begin);
    }
    return text_.substr(begin);
  }

  void Words(std::string_view written, std::string_view command) {
    if (depth_ > 8) return;
    Undresser inner(written);
    inner.depth_ = depth_ + 1;
    const std::string content = inner.Run();
    const std::string words(Trimmed(content));
    const std::string lower = Lower(words);
    if (words.empty()) return Put(" ");
    if (Holds(kJoiners, lower)) return Put(",");
    if (lower == "percent" || lower == "per cent") return Put("%");
    if (lower == "degrees" || lower == "degree") return Put("^\\circ ");
    const bool has_letters = std::any_of(words.begin(), words.end(), [](char c) {
      return IsLetter(c) || static_cast<unsigned char>(c) >= 0x80;
    });
    const bool is_function = command == "operatorname" && words.size() > 1;
    if (is_function) {
      out_ += '\\' + words + ' ';
    } else if (!has_letters || words.find('\\') != std::string::npos || IsOneLetter(words)) {
      Put(words);
    } else {
      out_ += "\\text{" + words + "}";
    }
  }

  // \text{A} and \mathrm{(A)} are the letter; \mathrm{m} behind a number is a unit.
  bool IsOneLetter(std::string_view words) const {
    while (!words.empty() && !IsLetter(words.front())) words.remove_prefix(1);
    while (!words.empty() && !IsLetter(words.back())) words.remove_suffix(1);
    const std::string_view before = Trimmed(out_);
    return words.size() == 1 && (before.empty() || !IsDigit(before.back()));
  }

  std::string_view text_;
  bool has_rows_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string out_;
};

// Words and signs that join answers, outside brackets: " and ", " or ". "no or yes" is a list of two as well.
std::string WithCommas(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    bool joined = false;
    for (const std::string_view word : {" and ", " or ", "和", "或"}) {
      if (!text.substr(at).starts_with(word)) continue;
      const bool after_comma = Trimmed(out).ends_with(',');
      out += after_comma ? " " : ", ";
      at += word.size();
      joined = true;
      break;
    }
    if (!joined) out += text[at++];
  }
  return out;
}

// How far the number goes whose thousands `mark` parts, from the digit at `at`; 0 if there is no such number.
size_t ThousandsFrom(std::string_view text, size_t at, char mark) {
  size_t end = at;
  while (end < text.size() && IsDigit(text[end])) ++end;
  if (end - at > 3 || end == at) return 0;
  size_t groups = 0;
  // 100 200 is more likely two numbers: what blanks part is one where the first group is shorter, where a
  // group begins with 0, as no number does, or where there are three groups.
  bool is_one = mark != ' ' || end - at < 3;
  while (end < text.size() && text[end] == mark && end + 1 < text.size() && IsDigit(text[end + 1])) {
    size_t digits = end + 1;
    while (digits < text.size() && IsDigit(text[digits])) ++digits;
    if (digits - end != 4) return 0;
    // 3 100/2 is no number with thousands, and neither is 1 234 as an exponent's begin.
    if (mark == ' ' && digits < text.size() && text[digits] == '/') return 0;
    is_one = is_one || text[end + 1] == '0';
    end = digits;
    ++groups;
  }
  return groups > 0 && (is_one || groups > 1) ? end : 0;
}

std::string JoinThousands(std::string_view text, bool by_comma) {
  std::string out;
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
    const bool inside =
        !out.empty() && (IsDigit(out.back()) || out.back() == '.' ||
                         (out.back() == ',' && out.size() > 1 && IsDigit(out[out.size() - 2])));
    size_t end = 0;
    if (depth == 0 && IsDigit(c) && !inside) {
      if (by_comma) end = ThousandsFrom(text, at, ',');
      if (end == 0) end = ThousandsFrom(text, at, ' ');
    }
    if (end == 0) {
      out += text[at++];
      continue;
    }
    for (; at < end; ++at) {
      if (IsDigit(text[at])) out += text[at];
    }
  }
  return out;
}

std::string Undressed(std::string_view text) {
  std::string plain = Undresser(text).Run();
  // Dressing may leave blanks where none were meant, as in "1\, 000".
  plain.erase(std::unique(plain.begin(), plain.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
              plain.end());
  return std::string(Trimmed(WithCommas(plain)));
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string PlainMath(std::string_view text) { return JoinThousands(Undressed(text), true); }

std::string PlainMathWithCommas(std::string_view text) { return JoinThousands(Undressed(text), false); }

std::vector<std::string_view> SplitOutside(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  int depth = 0;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\' && text.substr(at).starts_with("\\begin")) ++depth;
    if (c == '\\' && text.substr(at).starts_with("\\end")) --depth;
    if (depth <= 0 && text.substr(at).starts_with(separator)) {
      pieces.push_back(text.substr(begin, at - begin));
      begin = at + separator.size();
      at = begin - 1;
      continue;
    }
    depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string Folded(std::string_view text) {
  std::string folded;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("\\text{")) {
      at += 6;
      continue;
    }
    const char c = text[at++];
    if (!IsSpace(c) && c != '{' && c != '}') {
      folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  while (folded.ends_with('.') || folded.ends_with(',')) folded.pop_back();
  return folded;
}

}  // namespace tessy
