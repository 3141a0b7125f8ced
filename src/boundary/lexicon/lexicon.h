#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "boundary/lexicon/phrase_tree.h"
#include "boundary/lexicon/words.h"

namespace tessy {

// Decides by rule who owns the next token. The student opens every sentence and keeps it as long as its
// words are discourse markers ("okay, so", "wait, let me check", "for example,"). From the first other word
// on the sentence is the teacher's. Code, formulas and the text that a colon announces are the teacher's
// too. Style never comes back within a sentence: after the student's marker, or after a sentence that began
// without one, the student is not asked again before the teacher's sentence ends.
//
// The lexicon needs no model, so any two models can cooperate before a predictor is trained. Markers and
// parameters are data (english.toml). Immutable: safe from any thread.
class Lexicon {
 public:
  // An answer depends on this many bytes at the response's end and on nothing before them, so asking costs
  // the same anywhere.
  static constexpr size_t kLookBackBytes = 512;

  // `origin` names the text in errors.
  static Result<Lexicon> Parse(std::string_view toml, std::string_view origin);
  static const Lexicon& BuiltIn();

  // The probability that the token after `response_so_far` is style: 0 or 1. Meant for places where a cut
  // may fall; takes any bytes.
  float StyleProbability(std::string_view response_so_far) const;

  // The state at the end of a text that is already written. (StyleProbability asks before the next token is
  // written.)
  struct Place {
    bool next_is_style = false;
    bool ends_in_marker = false;  // "Let me" is not yet one, "Let me see." is
    bool ends_sentence = false;   // or has not begun one
  };
  Place PlaceAfter(std::string_view text) const;

 private:
  class Loader;
  class Sentence;
  class Scan;

  Lexicon() = default;
  PhraseTree markers_;
  WordSet abbreviations_;
  std::vector<std::string> code_line_starts_;
  uint32_t words_max_ = 0;
  uint32_t student_sentences_max_ = 0;
};

}  // namespace tessy
