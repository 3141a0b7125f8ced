#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/words.h"
#include "boundary/lexicon/lexicon.h"

namespace tessy {

// The complete discourse markers in a thinking, at the places where the lexicon lets the student speak. Each
// word is judged by the text before it, from the beginning of the thinking. Neighbouring words make one
// span. Pure.
std::vector<ByteRange> MarkStyle(const Lexicon& lexicon, std::string_view thinking);

// Phrases that are style wherever they stand, for users who know the phrases of a model. Immutable; safe
// from any thread.
class Phrases {
 public:
  // Each line is one phrase, its words separated by blanks; the word "#" stands for any number. Blank lines
  // are skipped. `origin` names the text in errors.
  static Result<Phrases> Parse(std::string_view lines, std::string_view origin);

  // The phrases in the text, compared by whole words, letter for letter. If several phrases begin at a word,
  // the longest counts. Phrases that follow one another make one span. Pure.
  std::vector<ByteRange> Mark(std::string_view text) const;

 private:
  std::vector<std::vector<std::string>> phrases_;  // longest first
};

}  // namespace tessy
