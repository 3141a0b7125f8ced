#include "select/compared_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/random.h"
#include "base/utf8.h"

namespace tessy {
namespace {

constexpr std::array<std::string_view, 6> kWrappers = {
    "generate an executable python function generated from the given prompt. the function should take stdin "
    "as input and print the output. simply call the function after the definition.",
    "return your final response within \\boxed{}.",
    "please reason step by step, and put your final answer within \\boxed{}.",
    "please reason step by step and put your final answer within \\boxed{}.",
    "please reason step by step.",
    "put your final answer within \\boxed{}."};

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

bool IsAscii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The text with its case folded and its forms of compatibility replaced; white space is still as it was.
std::string Folded(std::string_view text) {
  utf8proc_uint8_t* folded = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                                      UTF8PROC_CASEFOLD);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &folded, options);
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(folded);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(folded), static_cast<size_t>(size)};
}

// Appends with one space in place of white space.
void AppendSpaced(std::string& out, std::string_view text) {
  bool space = false;
  while (!text.empty()) {
    const CodePoint point = FirstCodePoint(text);
    if (IsWhitespace(point.value)) {
      space = true;
    } else {
      if (space && !out.empty()) out += ' ';
      space = false;
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
}

std::string NormalAscii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f')) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return out;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string NormalForm(std::string_view text) {
  if (IsAscii(text)) return NormalAscii(text);
  const std::string valid = IsValidUtf8(text) ? std::string() : Sanitize(text);
  std::string out;
  out.reserve(text.size());
  AppendSpaced(out, Folded(valid.empty() ? text : valid));
  return out;
}

std::string_view WithoutWrappers(std::string_view normal_form) {
  std::string_view text = normal_form;
  bool found = true;
  while (found) {
    found = false;
    for (const std::string_view wrapper : kWrappers) {
      if (text.size() <= wrapper.size()) continue;
      if (text.starts_with(wrapper)) {
        text = Trimmed(text.substr(wrapper.size()));
        found = true;
      } else if (text.ends_with(wrapper)) {
        text = Trimmed(text.substr(0, text.size() - wrapper.size()));
        found = true;
      }
    }
  }
  return text;
}

TextHash HashOfText(std::string_view text) {
  return {.high = HashBytes(text, 0x7465737379ULL), .low = HashBytes(text, 0x73656c656374ULL)};
}

NumbersApart TakeNumbersApart(std::string_view normal_form) {
  std::string words;
  std::string numbers;
  words.reserve(normal_form.size());
  for (size_t at = 0; at < normal_form.size();) {
    if (!IsDigit(normal_form[at])) {
      words += normal_form[at++];
      continue;
    }
    size_t end = at;
    const auto goes_on = [&](size_t i) {
      if (i >= normal_form.size()) return false;
      if (IsDigit(normal_form[i])) return true;
      const bool between = normal_form[i] == '.' || normal_form[i] == ',';
      return between && i + 1 < normal_form.size() && IsDigit(normal_form[i + 1]);
    };
    while (goes_on(end)) ++end;
    words += '\0';
    numbers.append(normal_form.substr(at, end - at)).push_back(' ');
    at = end;
  }
  return {.words = HashBytes(words), .numbers = HashBytes(numbers)};
}

}  // namespace tessy
