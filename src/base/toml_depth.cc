#include "base/toml_depth.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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
      if (IsTooDeep()) return line_;
      Step();
    }
    return IsTooDeep() ? line_ : 0;
  }

 private:
  bool IsTooDeep() const { return dots_ >= kNestingMax || levels_ + dots_ > kNestingMax; }

  void Step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return PassString(c);
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return;
    }
    if (c == '\n') ++line_;
    if (c == '[' || c == '{') Open();
    if ((c == ']' || c == '}') && !open_.empty()) Close();
    if (c == '.') ++dots_;
    if (c == '=') key_dots_ = std::exchange(dots_, 0);
    if (c == '\n' || c == ',' || c == '{' || c == '}') dots_ = key_dots_ = 0;
    ++at_;
  }

  // A table in the place of a value is as deep as the parts of the key before it.
  void Open() {
    open_.push_back(1 + key_dots_);
    levels_ += open_.back();
    key_dots_ = 0;
  }
  void Close() {
    levels_ -= open_.back();
    open_.pop_back();
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
  std::vector<size_t> open_;  // the levels that each open bracket has added
  size_t levels_ = 0;         // their sum
  size_t dots_ = 0;           // of the key, or of the value
  size_t key_dots_ = 0;       // of the key whose value is being read
};

}  // namespace

Status CheckTomlNesting(std::string_view toml, std::string_view origin) {
  const size_t line = Reader(toml).FindTooDeep();
  if (line == 0) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{}:{}: nested more than {} levels deep", origin, line, kNestingMax));
}

}  // namespace tessy
