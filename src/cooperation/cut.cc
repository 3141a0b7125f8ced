#include "cooperation/cut.h"

#include "base/check.h"
#include "base/utf8.h"

namespace tessy {
namespace {

enum class Place : uint8_t { kNone, kSeam, kBetweenCharacters };

bool BeginsInsideCharacter(std::string_view text) { return IncompleteTail(text) == text.size(); }

Place PlaceBetween(std::string_view before, std::string_view after) {
  TESSY_CHECK(!after.empty());
  if (before.empty() || IncompleteTail(before) != 0) return Place::kNone;
  const char32_t a = LastCodePoint(before).value;
  // A token may hold only the first bytes of its character, and which character that becomes is then not
  // known. Most likely it is of the script that `before` ends in; waiting for certainty would mean never
  // handing over between the byte tokens of rare characters. Next to other scripts "no" costs at most another
  // token.
  if (BeginsInsideCharacter(after)) return IsSpacelessScript(a) ? Place::kBetweenCharacters : Place::kNone;

  const char32_t b = FirstCodePoint(after).value;
  if (IsCombining(b)) return Place::kNone;
  if (IsNewline(a)) return IsWhitespace(b) || b == U'/' ? Place::kNone : Place::kSeam;
  if (IsNewline(b)) return Place::kNone;
  if (IsBlank(b)) return IsWhitespace(a) ? Place::kNone : Place::kSeam;
  if (IsWhitespace(a) || IsWhitespace(b)) return Place::kNone;
  return IsSpacelessScript(a) || IsSpacelessScript(b) ? Place::kBetweenCharacters : Place::kNone;
}

}  // namespace

std::string_view Name(CutRule rule) {
  switch (rule) {
    case CutRule::kToken:
      return "token";
    case CutRule::kCompleteWord:
      return "complete_word";
    case CutRule::kDropWord:
      return "drop_word";
  }
  return {};
}

bool IsCutPlace(std::string_view before, std::string_view after) {
  return PlaceBetween(before, after) != Place::kNone;
}

bool IsSeam(std::string_view before, std::string_view after) {
  return PlaceBetween(before, after) == Place::kSeam;
}

// Every place is judged once, and only when the whole character after it has arrived. So the answer cannot
// depend on the portions in which the text arrived.
size_t PieceSplitter::NextPiece() {
  const std::string_view text = open_;
  while (scanned_ < text.size()) {
    const std::string_view rest = text.substr(scanned_);
    if (BeginsInsideCharacter(rest)) break;
    const Place place = PlaceBetween(text.substr(0, scanned_), rest);
    if (place == Place::kSeam) return scanned_;
    if (place == Place::kBetweenCharacters) place_ = scanned_;
    if (code_points_ >= kPieceCodePointsMax && place_ != 0) return place_;
    scanned_ += FirstCodePoint(rest).bytes;
    ++code_points_;
  }
  return 0;
}

// The scanned text may have been judged with the dropped text in view, so the scan starts again. A piece
// that ended at a seam was judged with one character after it in view. A piece that ended for its length was
// judged with the text up to kPieceCodePointsMax code points (or to its first place, if that came later) and
// one character more. Both are final: a caller that drops text must not reach back into the text by which
// such a piece was judged.
void PieceSplitter::Drop(size_t bytes) {
  TESSY_CHECK(bytes <= open_.size());
  open_.resize(open_.size() - bytes);
  scanned_ = 0;
  code_points_ = 0;
  place_ = 0;
}

}  // namespace tessy
