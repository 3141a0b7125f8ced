#include <cstddef>

#include "judge/ascii.h"
#include "judge/final_answer.h"

namespace tessy {
namespace {

// Reads one number and says where it ends.
class NumberReader {
 public:
  explicit NumberReader(std::string_view text) : text_(text) {}

  // The end of the number at `at`; `at` where there is none.
  size_t From(size_t at) const {
    size_t end = at;
    for (const std::string_view command : {"\\frac", "\\dfrac", "\\tfrac"}) {
      if (text_.substr(at).starts_with(command)) end = Argument(Argument(at + command.size()));
    }
    if (end == at || end == kNone) {
      if (text_[at] == '\\') return at;
      end = Numeral(at);
      if (end == at) return at;
      end = Mixed(end);
      if (end + 1 < text_.size() && text_[end] == '/' && IsDigit(text_[end + 1])) end = Numeral(end + 1);
    }
    end = Scientific(end);
    for (const std::string_view percent : {"\\%", "%", " %", " \\%", " percent"}) {
      if (text_.substr(end).starts_with(percent)) return end + percent.size();
    }
    return end;
  }

 private:
  static constexpr size_t kNone = std::string_view::npos;

  char At(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  size_t Numeral(size_t at) const {
    size_t end = at;
    while (IsDigit(At(end))) ++end;
    if (end > at && end - at <= 3) {
      while (true) {
        const size_t mark = text_.substr(end).starts_with("{,}")   ? 3
                            : text_.substr(end).starts_with("\\,") ? 2
                            : At(end) == ','                       ? 1
                                                                   : 0;
        if (mark == 0 || !IsDigit(At(end + mark)) || !IsDigit(At(end + mark + 1)) ||
            !IsDigit(At(end + mark + 2)) || IsDigit(At(end + mark + 3))) {
          break;
        }
        end += mark + 3;
      }
    }
    if (At(end) == '.' && IsDigit(At(end + 1))) {
      ++end;
      while (IsDigit(At(end))) ++end;
    }
    if (end > at && (At(end) == 'e' || At(end) == 'E')) {
      const size_t sign = At(end + 1) == '-' || At(end + 1) == '+' ? 1 : 0;
      size_t exponent = end + 1 + sign;
      while (IsDigit(At(exponent))) ++exponent;
      if (exponent > end + 1 + sign && !IsLetter(At(exponent))) end = exponent;
    }
    return end;
  }

  // 3\frac12: the fraction behind a whole number belongs to it.
  size_t Mixed(size_t end) const {
    for (const std::string_view command : {"\\frac", "\\dfrac", "\\tfrac"}) {
      if (!text_.substr(end).starts_with(command)) continue;
      const size_t fraction = Argument(Argument(end + command.size()));
      return fraction == kNone ? end : fraction;
    }
    return end;
  }

  // Behind {digits} or one digit; kNone where there is neither.
  size_t Argument(size_t at) const {
    if (at == kNone) return kNone;
    while (At(at) == ' ') ++at;
    if (IsDigit(At(at))) return at + 1;
    if (At(at) != '{') return kNone;
    size_t end = at + 1;
    if (At(end) == '-') ++end;
    const size_t digits = end;
    while (IsDigit(At(end))) ++end;
    return end > digits && At(end) == '}' ? end + 1 : kNone;
  }

  size_t Scientific(size_t end) const {
    size_t at = end;
    while (At(at) == ' ') ++at;
    bool times = false;
    for (const std::string_view sign : {"\\times", "\\cdot", "×", "·", "*", "x"}) {
      if (!text_.substr(at).starts_with(sign)) continue;
      at += sign.size();
      times = true;
      break;
    }
    while (At(at) == ' ') ++at;
    if (!times || !text_.substr(at).starts_with("10^")) return end;
    at += 3;
    const bool braces = At(at) == '{';
    if (braces) ++at;
    if (At(at) == '-') ++at;
    const size_t digits = at;
    while (IsDigit(At(at))) ++at;
    if (at == digits || (braces && At(at) != '}')) return end;
    return braces ? at + 1 : at;
  }

  std::string_view text_;
};

}  // namespace

std::vector<std::string> NumbersIn(std::string_view text) {
  std::vector<std::string> numbers;
  const NumberReader reader(text);
  for (size_t at = 0; at < text.size();) {
    const bool starts = IsDigit(text[at]) || text[at] == '\\' ||
                        (text[at] == '.' && at + 1 < text.size() && IsDigit(text[at + 1]));
    const size_t end = starts ? reader.From(at) : at;
    if (end == at) {
      // The blanks and brackets of a command are not looked at twice.
      ++at;
      continue;
    }
    size_t begin = at;
    constexpr std::string_view kSigns[] = {"-", "−", "–", "{-}"};
    const std::string_view before = text.substr(0, at);
    for (const std::string_view sign : kSigns) {
      if (!before.ends_with(sign)) continue;
      const size_t left = at - sign.size();
      const char c = left > 0 ? text[left - 1] : ' ';
      if (!IsDigit(c) && !IsLetter(c) && c != ')' && c != '}') begin = left;
    }
    numbers.emplace_back(text.substr(begin, end - begin));
    at = end;
  }
  return numbers;
}

}  // namespace tessy
