#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace tessy {

// A text as the rules of the lexicon see it: its words, with the mark after each, and the kinds of its
// lines. Pure; takes any bytes.

using WordSet = std::set<std::string, std::less<>>;

enum class Mark : uint8_t { kNone, kComma, kColon, kEnd };

struct Word {
  // The form in which words are compared: ASCII letters in lower case, typographic marks as their plain
  // counterparts, without quotes, brackets and emphasis around it. Empty for a mark that stands alone, and
  // for a run of emphasis marks.
  std::string_view core;
  Mark mark = Mark::kNone;
  size_t end = 0;  // in the line, the mark included
};

// Calls visit(word) for each word of a line. A word is the text between two spaces; in scripts without
// spaces it is a character with the punctuation after it. The full stop of an abbreviation ("e.g.") or of a
// number that begins the line ("3.") is no mark. Quotes and brackets that stand alone are skipped.
void ForEachWord(std::string_view line, const WordSet& abbreviations,
                 const std::function<void(const Word&)>& visit);

// The kind of a line, as far as it tells who begins the next one.
enum class LineKind : uint8_t {
  kProse,
  kUnfinished,  // announces the next line, or continues there
  kItem,        // an item of a list or a row of a table
  kFormula,     // a formula or plain data
  kCode,
};

// `line` is not blank; `code_starts` are beginnings of lines of code.
LineKind KindOf(std::string_view line, std::span<const std::string> code_starts);

// True if the beginning of the line tells that it is code. The line may be incomplete.
bool StartsLikeCode(std::string_view line, std::span<const std::string> code_starts);

// Tells whether the line is a fence, the first or last line of a block of code or formulas. A bare fence may
// be either.
enum class Fence : uint8_t { kNone, kOpens, kCloses, kEither };
Fence FenceOf(std::string_view line);

}  // namespace tessy
