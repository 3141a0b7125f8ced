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

// Who owns the next token, by rule: the student opens every sentence and keeps it as long as its words are
// discourse markers ("okay, so", "wait, let me check", "for example,"); from the first other word on the
// sentence is the teacher's, and so are code, formulas and what a colon announces. Within a sentence style
// never comes back: a student who has said his marker, or no marker, is not asked again before the teacher's
// sentence ends.
//
// Needs no model, so that any two models can cooperate before a predictor is trained. Markers and parameters
// are data (english.toml). Immutable: safe from any thread.
class Lexicon {
 public:
  // Answers depend on this much of the response's end and on nothing before it: asking costs the same
  // anywhere.
  static constexpr size_t kLookBackBytes = 512;

  // `origin` names the text in errors.
  static Result<Lexicon> Parse(std::string_view toml, std::string_view origin);
  static const Lexicon& BuiltIn();

  // P(the token after `response_so_far` is style), 0 or 1. Meant for places where a cut may fall; takes any
  // bytes.
  float StyleProbability(std::string_view response_so_far) const;

  // How a text reads at its end; for what is already written, where StyleProbability asks before it is.
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
