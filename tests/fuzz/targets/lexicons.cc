// Lexicons in TOML, phrases in lines, and the marking of texts by them.
#include "boundary/lexicon/lexicon.h"
#include "boundary/lexicon/marking.h"
#include "fuzz/target.h"

namespace tessy::fuzz {
namespace {

void Check(const std::vector<ByteRange>& spans, std::string_view text) {
  size_t covered = 0;
  for (const ByteRange& span : spans) {
    Require(span.start >= covered && span.start < span.end && span.end <= text.size(),
            "spans ascend and lie in the text");
    covered = span.end;
  }
}

void Run(std::string_view input) {
  const auto lexicon = Lexicon::Parse(input, "l.toml");
  Note(lexicon ? "a lexicon" : lexicon.error().message);
  const auto [lines, text] = InTwo(input);
  const auto phrases = Phrases::Parse(lines, "p.txt");
  Note(phrases ? "phrases" : phrases.error().message);
  if (phrases) Check(phrases->Mark(text), text);
  // Marking reads the text before each word again, so that a long text is another test's.
  const std::string_view begin = text.substr(0, 2000);
  Check(MarkStyle(lexicon ? *lexicon : Lexicon::BuiltIn(), begin), begin);
  const float p = Lexicon::BuiltIn().StyleProbability(input);
  Require(p == 0.0F || p == 1.0F, "the lexicon is sure");
}

const Registration kRegistered(
    {.name = "lexicons",
     .grammar = kToml,
     .seeds =
         {"words_max = 14\nstudent_sentences_max = 3\nabbreviations = [\"e.g.\"]\ncode_line_starts = [\"def "
          "\"]\n"
          "[[markers]]\nthen = \"marker\"\nphrases = [\"(okay|ok) (then|now|)\", \"let me (see|check)\"]\n",
          "let me see\nstep #\n\nwait\x1EOkay, so let me see. Step 3: 1 + 2 is 3. Wait, e.g. `x`: "
          "hm.\n```\ncode\n```\nNow"},
     .run = &Run});

}  // namespace
}  // namespace tessy::fuzz
