#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// The rule for the places where one role may hand over to the other (docs/method.md, section 5, "Where a cut
// may fall").
enum class CutRule : uint8_t {
  kToken,         // after any token that does not end inside a character; for roles that share a vocabulary
  kCompleteWord,  // the speaker goes on until its word is complete
  kDropWord,      // the span's last, incomplete word is dropped, as long as one word stays
};
std::string_view Name(CutRule rule);

// True if the text may be split between `before` and `after` so that both halves tokenise as the whole does.
// Such a place is
// - before a blank that follows text;
// - after a run of newlines, unless a slash or whitespace follows. gpt-oss's pre-tokeniser joins a slash to
//   the newlines. Whitespace that itself ends in a newline is joined to them too, and its first character
//   does not tell how it ends;
// - between two characters of which one belongs to a script without spaces.
// A place is never between text and its newline, inside a character, or before a combining mark. `after`
// must not be empty, because only the text that follows tells whether a word is complete. If `after` holds
// only the first bytes of a character, the end of `before` alone decides. Pure; takes any bytes.
bool IsCutPlace(std::string_view before, std::string_view after);

// True for the cut places of IsCutPlace that are not inside a script without spaces. The pre-tokenisers of
// byte-pair vocabularies split the text at such a seam by themselves, so the halves tokenise as the whole
// does on every vocabulary that was measured.
bool IsSeam(std::string_view before, std::string_view after);

// Splits the text that one role writes in a span into pieces. A reader with another vocabulary is fed the
// pieces one by one, as soon as each is complete. Pieces end at seams; if no seam comes for
// kPieceCodePointsMax code points (in scripts without spaces), a piece ends between two characters. The
// pieces depend on the text of the span alone, not on the portions in which it arrived. Not thread-safe.
class PieceSplitter {
 public:
  static constexpr size_t kPieceCodePointsMax = 64;

  // Takes more of the span's text; calls `piece(std::string_view)` for every piece that is complete by now.
  template <class F>
  void Push(std::string_view text, F&& piece) {
    open_.append(text);
    for (size_t end = NextPiece(); end != 0; end = NextPiece()) Take(end, piece);
  }
  // The span has ended: the text that is left is its last piece.
  template <class F>
  void Finish(F&& piece) {
    if (!open_.empty()) Take(open_.size(), piece);
  }
  // The text that no piece holds yet.
  std::string_view open() const { return open_; }
  // Takes back the last bytes of the open text; at most open().size(). Pieces already given are final.
  void Drop(size_t bytes);

 private:
  size_t NextPiece();  // size of the first complete piece, 0 if none is complete

  template <class F>
  void Take(size_t end, F&& piece) {
    piece(std::string_view(open_).substr(0, end));
    open_.erase(0, end);
    scanned_ = 0;
    code_points_ = 0;
    place_ = 0;
  }

  std::string open_;
  size_t scanned_ = 0;      // bytes of open_ already looked at
  size_t code_points_ = 0;  // code points in these bytes
  size_t place_ = 0;        // the last place between characters seen since the piece began
};

}  // namespace tessy
