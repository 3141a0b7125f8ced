#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace tessy {

// What the lexicon's rules see of a text: its words, with the mark after each, and the kinds of its lines.
// Pure; any bytes.

using WordSet = std::set<std::string, std::less<>>;

enum class Mark : uint8_t { kNone, kComma, kColon, kEnd };

struct Word {
  // The form in which words are compared: ASCII letters small, typographic marks as their plain counterparts,
  // without the quotes, brackets and emphasis around it. Empty for a mark that stands alone, and for a mere
  // run of emphasis.
  std::string_view core;
  Mark mark = Mark::kNone;
  size_t end = 0;  // in the line, the mark included
};

// Calls visit(word) for each word of a line: what stands between spaces; in scripts without spaces each
// character, with the punctuation after it. The full stop of an abbreviation ("e.g.") or of a number that
// begins the line ("3.") is no mark. Quotes and brackets that stand alone are passed over.
void ForEachWord(std::string_view line, const WordSet& abbreviations,
                 const std::function<void(const Word&)>& visit);

// What was that line, as far as it tells who begins the next one?
enum class LineKind : uint8_t {
  kProse,
  kUnfinished,  // announces what follows, or goes on there
  kItem,        // of a list or a table
  kFormula,     // or plain data
  kCode,
};

// `line` is not blank; `code_starts` are beginnings of lines of code.
LineKind KindOf(std::string_view line, std::span<const std::string> code_starts);

// Is the line code by its beginning? It need not be complete.
bool StartsLikeCode(std::string_view line, std::span<const std::string> code_starts);

// Does the line stand at an end of a block of code or of formulas? A bare fence may stand at either.
enum class Fence : uint8_t { kNone, kOpens, kCloses, kEither };
Fence FenceOf(std::string_view line);

}  // namespace tessy
