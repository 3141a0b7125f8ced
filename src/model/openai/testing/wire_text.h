#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/openai/testing/wire_vocabulary.h"

namespace tessy {

struct WireTextOptions {
  // The thinking is closed at the first end of a sentence after a number of words between these two, which
  // depends on the question.
  uint32_t thinking_words_min = 20;
  uint32_t thinking_words_max = 80;
  // Sentences of capability are this many clauses long, at least.
  uint32_t clauses = 1;
  // The percentage of those clauses that begin with words of style.
  uint32_t style_percent = 15;
};

// The text of a scripted model: discourse markers, sums and code in short sentences, "</think>", an answer in
// one line, the end. The next token is a pure function of the model's name, the question and the text of the
// response so far, so that a client that asks again after a fault gets the same text. Not thread-safe.
class WireText {
 public:
  // `question`: the prompt up to where the response begins.
  WireText(const WireVocabulary& vocabulary, const WireTextOptions& options, std::string_view model,
           std::string_view question, std::string_view response);

  // The next token, which becomes part of the response. After the end it is always the vocabulary's
  // message_end().
  int32_t Next();

 private:
  void Take(std::string_view text);
  void TakeThinking(std::string_view text);
  std::string Plan() const;
  std::string PlanSegment() const;
  std::string PlanBehindOthers() const;
  std::string PlanAnswer() const;
  uint64_t Draw(uint64_t purpose) const;

  const WireVocabulary& vocabulary_;
  WireTextOptions options_;
  uint64_t key_;  // model and question
  uint64_t words_wanted_;
  uint64_t hash_;          // hash of the thinking through the last break
  uint64_t words_ = 0;     // words of the thinking through the last break
  char last_break_ = '.';  // as if a sentence had ended before the response began
  std::string segment_;    // since the last break
  std::string line_;       // the last bytes, where a marker may be under way
  bool answering_ = false;
  std::string answer_;
  std::string rest_;  // of the segment that is being written
};

// The scripted pooling server's answer for a text: P(the token after it is style), from 0.02 to 0.98.
double WireStyleProbability(std::string_view text);

}  // namespace tessy
