#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/words.h"
#include "boundary/lexicon/lexicon.h"

namespace tessy {

// The whole markers in a thinking, where the lexicon lets the student speak: each word is judged by what
// stands before it, from the thinking's beginning. Neighbouring words make one span. Pure.
std::vector<ByteRange> MarkStyle(const Lexicon& lexicon, std::string_view thinking);

// Phrases that are style wherever they stand, for who knows a model's phrases. Immutable; safe from any
// thread.
class Phrases {
 public:
  // One phrase a line, its words separated by blanks; the word "#" stands for any number. Blank lines are
  // passed over. `origin` names the text in errors.
  static Result<Phrases> Parse(std::string_view lines, std::string_view origin);

  // Whole words, letter for letter; where several phrases begin at a word, the longest. Phrases that follow
  // one another make one span. Pure.
  std::vector<ByteRange> Mark(std::string_view text) const;

 private:
  std::vector<std::vector<std::string>> phrases_;  // longest first
};

}  // namespace tessy
