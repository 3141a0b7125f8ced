#include "boundary/lexicon/lexicon_reader.h"

#include <utility>

#include "base/check.h"

namespace tessy {

LexiconReader::LexiconReader(const Lexicon& lexicon, Post post) : lexicon_(lexicon), post_(std::move(post)) {}

void LexiconReader::Append(Role, std::span<const DraftToken> tokens) {
  for (const DraftToken& token : tokens) {
    text_.append(token.text);
    ends_.push_back(text_.size());
  }
}

void LexiconReader::Rollback(size_t count) {
  TESSY_CHECK(count <= ends_.size());
  ends_.resize(ends_.size() - count);
  text_.resize(ends_.empty() ? span_begin_ : ends_.back());
}

void LexiconReader::EndSpan() {
  ends_.clear();
  if (text_.size() > Lexicon::kLookBackBytes) text_.erase(0, text_.size() - Lexicon::kLookBackBytes);
  span_begin_ = text_.size();
}

// The answer is computed at once, so a rollback before the callback runs does not change it.
void LexiconReader::Ask(std::span<const uint32_t> places, AskDone done) {
  TESSY_CHECK(!*asking_);
  std::vector<float> p_style;
  p_style.reserve(places.size());
  for (const uint32_t place : places) {
    TESSY_CHECK(place >= 1 && place <= ends_.size());
    p_style.push_back(lexicon_.StyleProbability(std::string_view(text_).substr(0, ends_[place - 1])));
  }
  *asking_ = true;
  post_([asking = std::weak_ptr(asking_), done = std::move(done), p_style = std::move(p_style)]() mutable {
    const std::shared_ptr<bool> alive = asking.lock();
    if (!alive) return;
    *alive = false;
    done(std::move(p_style));
  });
}

bool LexiconReader::ReadsTokensOf(Role) const { return false; }

}  // namespace tessy
