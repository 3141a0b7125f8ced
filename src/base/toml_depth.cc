#include "base/toml_depth.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/json_depth.h"

namespace tessy {
namespace {

// Reads the text once; strings and comments are passed over.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // The line on which the text becomes too deep, 0 if it nowhere does.
  size_t FindTooDeep() {
    while (at_ < text_.size()) {
      if (brackets_ > kNestingMax || dots_ >= kNestingMax) return line_;
      Step();
    }
    return brackets_ > kNestingMax || dots_ >= kNestingMax ? line_ : 0;
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return PassString(c);
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return;
    }
    if (c == '\n') ++line_;
    if (c == '[' || c == '{') ++brackets_;
    if ((c == ']' || c == '}') && brackets_ > 0) --brackets_;
    if (c == '.') {
      ++dots_;
    } else if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '}') {
      dots_ = 0;
    }
    ++at_;
  }

  // Of one quote or of three. Only the basic ones have escapes.
  void PassString(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_, 3) == three;
    at_ += is_long ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (is_long ? text_.substr(at_, 3) == three : c == quote || c == '\n') {
        at_ += is_long ? 3 : 1;
        // Up to two quotes before the end belong to a long string: the last three of them end it.
        for (int i = 0; is_long && i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
        return;
      }
      const bool escapes = c == '\\' && quote == '"';
      if (escapes && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++line_;
      at_ += escapes ? 2 : 1;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t brackets_ = 0;
  size_t dots_ = 0;
};

}  // namespace

Status CheckTomlNesting(std::string_view toml, std::string_view origin) {
  const size_t line = Reader(toml).FindTooDeep();
  if (line == 0) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{}:{}: nested more than {} levels deep", origin, line, kNestingMax));
}

}  // namespace tessy
