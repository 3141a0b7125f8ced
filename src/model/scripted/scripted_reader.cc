#include "model/scripted/scripted_reader.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "cooperation/cut.h"

namespace tessy {

ScriptedReader::ScriptedReader(const ScriptedVocabulary& vocabulary, ScriptedReaderOptions options, Post post)
    : vocabulary_(vocabulary), options_(std::move(options)), post_(std::move(post)) {}

void ScriptedReader::Append(Role writer, std::span<const DraftToken> tokens) {
  TESSY_CHECK(!busy_ && writer_.value_or(writer) == writer);
  if (tokens.empty()) return;
  writer_ = writer;
  span_.insert(span_.end(), tokens.begin(), tokens.end());
}

void ScriptedReader::Rollback(size_t count) {
  TESSY_CHECK(!busy_ && count <= span_.size());
  span_.resize(span_.size() - count);
}

std::string ScriptedReader::TextOfSpan(size_t tokens) const {
  std::string text;
  for (size_t i = 0; i < tokens; ++i) text += span_[i].text;
  return text;
}

std::vector<TokenId> ScriptedReader::TokenizePiece(std::string_view piece) const {
  return vocabulary_.Tokenize(Sanitize(piece));
}

void ScriptedReader::EndSpan() {
  TESSY_CHECK(!busy_ && !span_.empty());
  if (ReadsTokensOf(*writer_)) {
    for (const DraftToken& token : span_) {
      if (!token.text.empty()) view_.Append(token.id);
    }
  } else {
    const auto feed = [this](std::string_view piece) { view_.Append(TokenizePiece(piece)); };
    PieceSplitter splitter;
    splitter.Push(TextOfSpan(span_.size()), feed);
    splitter.Finish(feed);
  }
  span_.clear();
  writer_.reset();
}

uint64_t ScriptedReader::HashOfTokens(size_t tokens) const {
  uint64_t hash = view_.hash();
  for (size_t i = 0; i < tokens; ++i) {
    if (!span_[i].text.empty()) hash = TokenView::Fold(hash, span_[i].id);
  }
  return hash;
}

// The pieces are those of all that is there of the span, as in ClassifierReader, then what is left up to the
// place: if what follows the place could change them, answers would change with it.
uint64_t ScriptedReader::HashOfText(size_t bytes) const {
  const std::string text = TextOfSpan(span_.size());
  uint64_t hash = view_.hash();
  const auto fold = [&](std::string_view piece) {
    for (const TokenId token : TokenizePiece(piece)) hash = TokenView::Fold(hash, token);
  };
  size_t whole = 0;
  size_t at = 0;
  PieceSplitter splitter;
  splitter.Push(text, [&](std::string_view piece) {
    at += piece.size();
    if (at > bytes) return;
    fold(piece);
    whole = at;
  });
  fold(std::string_view(text).substr(whole, bytes - whole));
  return hash;
}

Result<std::vector<float>> ScriptedReader::Answer(std::span<const uint32_t> places) const {
  if (options_.fault) {
    if (auto error = options_.fault()) return tl::unexpected(std::move(*error));
  }
  std::vector<float> p_style;
  for (const uint32_t place : places) {
    TESSY_CHECK(place >= 1 && place <= span_.size());
    const uint64_t hash =
        ReadsTokensOf(*writer_) ? HashOfTokens(place) : HashOfText(TextOfSpan(place).size());
    const double shifted = UniformAt(options_.seed, hash, 0) + options_.style_share - 0.5;
    p_style.push_back(static_cast<float>(std::clamp(shifted, 0.0, 1.0)));
  }
  return p_style;
}

void ScriptedReader::Ask(std::span<const uint32_t> places, AskDone done) {
  TESSY_CHECK(!busy_ && !places.empty() && std::is_sorted(places.begin(), places.end()));
  busy_ = true;
  PostDelayed(post_, options_.hops ? options_.hops() : 0, alive_,
              [this, answer = Answer(places), done = std::move(done)]() mutable {
                busy_ = false;
                done(std::move(answer));
              });
}

}  // namespace tessy
