#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cooperation/loop.h"
#include "cooperation/session.h"

namespace tessy {

// The rules by which an answer is read.
struct AnswerRules {
  // Texts that end the answer (Family::answer_stops); they must outlive the rules.
  std::span<const std::string> stops = {};
  // True: the model was to answer without thinking. Thinking that it writes all the same fails the answer;
  // blank thinking before it is dropped.
  bool alone = false;
  std::vector<std::string> openers = {};  // what opens a thinking, and what closes it
  std::vector<std::string> closers = {};  // a close token without text is read as the first of them
};

// An answer as it is written, draft by draft. Not thread-safe.
class AnswerText {
 public:
  // `text` and `tokens` (of the text) are set to an answer of nothing, and kept up to date; both must outlive
  // it.
  AnswerText(AnswerRules rules, std::string& text, uint64_t& tokens);

  // Takes in the draft that came next. True: the answer is whole with it.
  tl::expected<bool, FailureReason> Take(const Draft& draft);
  // Where the next draft stands in the random stream.
  DraftPosition Position(uint64_t stream) const;

 private:
  std::string_view TextOf(const DraftToken& token) const;
  bool CutAtStop(size_t looked_at);
  tl::expected<bool, FailureReason> Finish();
  // Bytes of blank thinking at the begin; `open`: what is thought there is not closed.
  size_t BlankThinking(bool& open) const;
  bool ThinksAloud(size_t looked_at) const;
  void CountTokens(size_t begin, size_t end);

  AnswerRules rules_;
  std::string& text_;
  uint64_t& tokens_;
  std::vector<size_t> ends_;  // bytes of the text through each token
  uint64_t zero_byte_tokens_ = 0;
};

}  // namespace tessy
