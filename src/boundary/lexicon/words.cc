#include "boundary/lexicon/words.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "base/utf8.h"

namespace tessy {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kMarks = ",;:.!?";
constexpr std::string_view kQuotesAndBrackets = "\"'()[]{}";
constexpr std::string_view kDecoration = "\"'()[]{}*_`";
constexpr std::string_view kMarksAndDecoration = ",;:.!?\"'()[]{}*_`";
constexpr size_t kEnumeratorDigitsMax = 3;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
bool ConsistsOf(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

std::string_view TrimLeft(std::string_view text, std::string_view set) {
  text.remove_prefix(std::min(text.find_first_not_of(set), text.size()));
  return text;
}

std::string_view TrimRight(std::string_view text, std::string_view set) {
  return text.substr(0, text.find_last_not_of(set) + 1);  // npos + 1 is 0
}

std::string_view Trim(std::string_view text, std::string_view set) {
  return TrimRight(TrimLeft(text, set), set);
}

// Typographic marks and their plain counterparts. Dashes count as commas: "wait — no".
constexpr std::array<std::pair<char32_t, std::string_view>, 18> kPlain{{{U'’', "'"},
                                                                        {U'‘', "'"},
                                                                        {U'“', "\""},
                                                                        {U'”', "\""},
                                                                        {U'「', "\""},
                                                                        {U'」', "\""},
                                                                        {U'（', "("},
                                                                        {U'）', ")"},
                                                                        {U'…', "..."},
                                                                        {U'—', ","},
                                                                        {U'–', ","},
                                                                        {U'，', ","},
                                                                        {U'、', ","},
                                                                        {U'；', ";"},
                                                                        {U'：', ":"},
                                                                        {U'。', "."},
                                                                        {U'！', "!"},
                                                                        {U'？', "?"}}};

void AppendPlain(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= U'A' && c <= U'Z' ? c - U'A' + U'a' : c);
    return;
  }
  const auto found =
      std::find_if(kPlain.begin(), kPlain.end(), [c](const auto& pair) { return pair.first == c; });
  if (found == kPlain.end()) return AppendUtf8(out, c);
  out += found->second;
}

// `marks` follow `body`; `body` is empty if they stand alone.
Mark MarkOf(std::string_view body, std::string_view marks, const WordSet& abbreviations) {
  if (marks.empty()) return Mark::kNone;
  if (Contains(marks, "?")) return Mark::kEnd;
  if (Contains(marks, "!")) {
    const bool factorial =
        !body.empty() && (body.size() == 1 || ConsistsOf(body, kDigits) || body.back() == ')');
    return factorial ? Mark::kNone : Mark::kEnd;
  }
  if (marks.back() == ':') return Mark::kColon;
  if (Contains(marks, ",")) return Mark::kComma;
  if (marks == ";") {  // after a result it ends a step of a calculation, after a word it joins
    return body.empty() || ConsistsOf(body, kDigits) ? Mark::kEnd : Mark::kComma;
  }
  if (marks == ".") {
    const std::string full = std::string(TrimLeft(body, kDecoration)) + ".";
    return abbreviations.contains(full) ? Mark::kNone : Mark::kEnd;
  }
  return body.empty() ? Mark::kComma : Mark::kEnd;  // dots that stand alone are a pause
}

// `plain` is the text between two spaces.
Word WordOf(std::string_view plain, const WordSet& abbreviations) {
  const std::string_view closed = TrimRight(plain, kDecoration);
  const std::string_view body = TrimRight(closed, kMarks);
  Word word;
  word.core = TrimLeft(TrimRight(body, kMarksAndDecoration), kDecoration);
  word.mark = MarkOf(body, closed.substr(body.size()), abbreviations);
  return word;
}

bool IsEnumerator(std::string_view plain) {
  return plain.ends_with('.') && plain.size() > 1 && plain.size() <= kEnumeratorDigitsMax + 1 &&
         ConsistsOf(plain.substr(0, plain.size() - 1), kDigits);
}

enum class Glyph : uint8_t { kSpace, kSpaced, kCharacter, kMark };  // the last two: of scripts without spaces

Glyph GlyphOf(char32_t c) {
  if (c > U' ' && c < 0x7F) return Glyph::kSpaced;  // most characters of any text
  if (IsWhitespace(c)) return Glyph::kSpace;
  if (!IsSpacelessScript(c)) return Glyph::kSpaced;
  return IsWordCharacter(c) ? Glyph::kCharacter : Glyph::kMark;
}

bool BeginsWord(Glyph before, Glyph glyph, char32_t c) {
  if (c >= 0x80 && IsCombining(c)) return false;
  return glyph == Glyph::kSpace || glyph == Glyph::kCharacter ||
         (glyph == Glyph::kSpaced && before != Glyph::kSpaced);
}

bool IsItem(std::string_view body) {
  for (const std::string_view bullet : {"- ", "* ", "+ ", "• ", "|"}) {
    if (body.starts_with(bullet)) return true;
  }
  const std::string_view rest = TrimLeft(body, kDigits);
  const size_t digits = body.size() - rest.size();
  return digits > 0 && digits <= kEnumeratorDigitsMax && (rest.starts_with(". ") || rest.starts_with(") "));
}

bool IsIndented(std::string_view line) { return line.starts_with("  ") || line.starts_with('\t'); }

bool IsCall(std::string_view body) {
  const std::string_view first = body.substr(0, body.find(' '));
  return IsLetter(body.front()) && Contains(first, "(") && body.ends_with(')');  // print(a, b)
}

bool EndsLikeCode(std::string_view body) {
  if (ConsistsOf(body, "{}()[];,") || body.ends_with('{') || IsCall(body)) return true;
  return body.ends_with(';') && !body.ends_with(" ;");
}

bool EndsAny(std::string_view body, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [body](std::string_view end) { return body.ends_with(end); });
}

bool IsUnfinished(std::string_view body) { return EndsAny(TrimRight(body, "*_"), {":", "：", ",", "，"}); }

bool EndsSentence(std::string_view body) {
  return EndsAny(TrimRight(body, kDecoration), {".", "!", "?", "。", "！", "？"});
}

bool HasLongWord(std::string_view body) {
  constexpr size_t kLetters = 4;
  size_t run = 0;
  for (const char c : body) {
    run = IsLetter(c) ? run + 1 : 0;
    if (run == kLetters) return true;
  }
  return false;
}

bool IsFormula(std::string_view body) {
  if (body.starts_with('\\') || body.starts_with("$$") || EndsAny(body, {"$$", "\\\\"})) return true;
  if (EndsSentence(body)) return false;
  for (const std::string_view relation : {"=", "<", ">", "≤", "≥", "≡", "≈", "→", "⇒"}) {
    if (Contains(body, relation)) return true;
  }
  return !HasLongWord(body) && body.find_first_of(kDigits) != std::string_view::npos;
}

}  // namespace

void ForEachWord(std::string_view line, const WordSet& abbreviations,
                 const std::function<void(const Word&)>& visit) {
  std::string plain;
  bool first = true;
  const auto flush = [&](size_t end) {
    if (plain.empty()) return;
    Word word = WordOf(plain, abbreviations);
    word.end = end;
    if (first && IsEnumerator(plain)) word.mark = Mark::kNone;
    first = false;
    if (!ConsistsOf(plain, kQuotesAndBrackets)) visit(word);
    plain.clear();
  };
  Glyph before = Glyph::kSpace;
  for (size_t at = 0; at < line.size();) {
    const CodePoint c = FirstCodePoint(line.substr(at));
    const Glyph glyph = GlyphOf(c.value);
    if (BeginsWord(before, glyph, c.value)) flush(at);
    if (glyph != Glyph::kSpace) AppendPlain(plain, c.value);
    before = glyph;
    at += c.bytes;
  }
  flush(line.size());
}

LineKind KindOf(std::string_view line, std::span<const std::string> code_starts) {
  const std::string_view body = Trim(line, kBlanks);
  if (IsUnfinished(body)) return LineKind::kUnfinished;
  if (IsItem(body)) return LineKind::kItem;
  if (StartsLikeCode(line, code_starts) || EndsLikeCode(body)) return LineKind::kCode;
  return IsFormula(body) ? LineKind::kFormula : LineKind::kProse;
}

bool StartsLikeCode(std::string_view line, std::span<const std::string> code_starts) {
  const std::string_view body = TrimLeft(line, kBlanks);
  if (IsItem(body)) return false;
  return IsIndented(line) ||
         std::any_of(code_starts.begin(), code_starts.end(),
                     [body](const std::string& start) { return body.starts_with(start); });
}

Fence FenceOf(std::string_view line) {
  const std::string_view body = Trim(line, kBlanks);
  if (body.starts_with("```")) return ConsistsOf(body, "`") ? Fence::kEither : Fence::kOpens;
  if (body == "$$") return Fence::kEither;
  if (body.starts_with("\\[")) return Contains(body, "\\]") ? Fence::kNone : Fence::kOpens;
  return body.starts_with("\\]") || body.ends_with("\\]") ? Fence::kCloses : Fence::kNone;
}

}  // namespace tessy
