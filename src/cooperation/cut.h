#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessy {

// Where a hand-over between the roles may fall. See "Where a cut may fall" in the method.
enum class CutRule : uint8_t {
  kToken,         // after any token that does not end inside a character; for roles that share a vocabulary
  kCompleteWord,  // the speaker goes on until its word is complete
  kDropWord,      // the span's last, incomplete word is dropped, as long as one word stays
};
std::string_view Name(CutRule rule);

// May the text be parted between `before` and `after`, so that both halves tokenise as the whole does? Before
// a blank that follows text; after a run of newlines, unless a slash follows, which gpt-oss's pre-tokeniser
// joins to it, or whitespace: if that ends in a newline too, pre-tokenisers join all of it, and one character
// does not tell; between characters where one of the two belongs to a script without spaces. Never between
// text and its newline, never inside a character or before a combining mark. `after` must not be empty:
// whether a word is complete is known only from what follows. Where it holds no more than the beginning of a
// character, only the end of `before` decides. Pure; any bytes.
bool IsCutPlace(std::string_view before, std::string_view after);

// Like IsCutPlace without the places inside scripts that know no spaces: there tokenisers of byte-pair
// vocabularies part the text by themselves, so halves tokenise as the whole does on every vocabulary
// measured.
bool IsSeam(std::string_view before, std::string_view after);

// Splits what one role writes in a span into the pieces that a reader with another vocabulary is fed, one by
// one, as soon as each is complete. Pieces end at seams; where none comes for kPieceCodePointsMax code points
// (scripts without spaces) a piece ends between two characters. The pieces are a function of the span's text
// alone, however it arrived. Not thread-safe.
class PieceSplitter {
 public:
  static constexpr size_t kPieceCodePointsMax = 64;

  // Takes more of the span's text; calls `piece(std::string_view)` for every piece that is complete by now.
  template <class F>
  void Push(std::string_view text, F&& piece) {
    open_.append(text);
    for (size_t end = NextPiece(); end != 0; end = NextPiece()) Take(end, piece);
  }
  // The span has ended: what is left is its last piece.
  template <class F>
  void Finish(F&& piece) {
    if (!open_.empty()) Take(open_.size(), piece);
  }
  // Text that no piece holds yet.
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
  size_t code_points_ = 0;  // among them
  size_t place_ = 0;        // the last place between characters seen since the piece began
};

}  // namespace tessy
