#include "boundary/classifier/classifier_reader.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "boundary/window.h"

namespace tessy {

struct ClassifierReader::Question {
  std::vector<Place> places;
  size_t asked = 0;
  // Written by the engine's thread before the completion of the batch that filled it.
  std::shared_ptr<std::vector<float>> p_style;
  AskDone done;
};

ClassifierReader::ClassifierReader(std::unique_ptr<Sequence> sequence,
                                   std::shared_ptr<const LlamaModel> model,
                                   std::array<bool, 2> reads_tokens_of)
    : sequence_(std::move(sequence)), model_(std::move(model)), reads_tokens_of_(reads_tokens_of) {}

ClassifierReader::~ClassifierReader() = default;

void ClassifierReader::PushText(std::string_view text) {
  text_ += text;
  splitter_.Push(text, [this](std::string_view piece) {
    const auto tokens = model_->vocabulary().Tokenize(Sanitize(piece));
    view_.insert(view_.end(), tokens.begin(), tokens.end());
    const size_t end = (pieces_.empty() ? 0 : pieces_.back().first) + piece.size();
    pieces_.emplace_back(end, view_.size());
  });
}

void ClassifierReader::Append(Role writer, std::span<const DraftToken> tokens) {
  writer_ = writer;
  for (const DraftToken& token : tokens) {
    if (!ReadsTokensOf(writer)) {
      PushText(token.text);
      ends_.push_back(text_.size());
      continue;
    }
    if (!token.text.empty()) view_.push_back(token.id);
    ends_.push_back(view_.size());
  }
  Follow();
}

// What was read already is computed alongside other work, before anybody asks.
void ClassifierReader::Follow() {
  if (question_) return;
  const size_t begin = WindowBegin(view_.size());
  sequence_->Assign({view_.begin() + static_cast<std::ptrdiff_t>(begin), view_.end()});
}

void ClassifierReader::Rollback(size_t count) {
  TESSY_CHECK(count <= ends_.size());
  ends_.resize(ends_.size() - count);
  const size_t end = ends_.empty() ? 0 : ends_.back();
  if (ReadsTokensOf(writer_)) {
    view_.resize(ends_.empty() ? span_begin_ : end);
    return;
  }
  // Pieces may have been complete only because of what goes now: the span is split anew.
  const std::string text = text_.substr(0, end);
  text_.clear();
  pieces_.clear();
  splitter_ = {};
  view_.resize(span_begin_);
  PushText(text);
}

void ClassifierReader::EndSpan() {
  if (!ReadsTokensOf(writer_)) {
    splitter_.Finish([this](std::string_view piece) {
      const auto tokens = model_->vocabulary().Tokenize(Sanitize(piece));
      view_.insert(view_.end(), tokens.begin(), tokens.end());
    });
  }
  text_.clear();
  pieces_.clear();
  ends_.clear();
  splitter_ = {};
  span_begin_ = view_.size();
  Follow();
}

ClassifierReader::Place ClassifierReader::Locate(uint32_t tokens) const {
  const size_t end = ends_[tokens - 1];
  if (ReadsTokensOf(writer_)) return {.size = end, .tail = {}};
  const auto next = std::upper_bound(pieces_.begin(), pieces_.end(), end,
                                     [](size_t at, const auto& piece) { return at < piece.first; });
  const auto [text_begin, view_begin] =
      next == pieces_.begin() ? std::pair(size_t{0}, span_begin_) : *(next - 1);
  auto tail =
      model_->vocabulary().Tokenize(Sanitize(std::string_view(text_).substr(text_begin, end - text_begin)));
  // A vocabulary may have no token for any of it; but some token there must be to answer after.
  if (view_begin + tail.size() == 0) tail.push_back(0);
  const size_t size = view_begin + tail.size();
  return {.size = size, .tail = std::move(tail)};
}

void ClassifierReader::Ask(std::span<const uint32_t> places, AskDone done) {
  TESSY_CHECK(!question_ && !places.empty());
  question_ = std::make_unique<Question>();
  for (const uint32_t place : places) question_->places.push_back(Locate(place));
  question_->p_style = std::make_shared<std::vector<float>>(places.size());
  question_->done = std::move(done);
  AskNext();
}

// As many places as one content of the sequence serves: those that share a window and need no tail of their
// own.
void ClassifierReader::AskNext() {
  Question& question = *question_;
  if (question.asked == question.places.size()) {
    const auto finished = std::move(question_);
    return finished->done(std::move(*finished->p_style));
  }
  const size_t first = question.asked;
  const Place& place = question.places[first];
  const size_t begin = WindowBegin(place.size);
  size_t last = first;
  while (place.tail.empty() && last + 1 < question.places.size() && question.places[last + 1].tail.empty() &&
         WindowBegin(question.places[last + 1].size) == begin) {
    ++last;
  }
  const Place& end = question.places[last];
  const size_t from_view = end.size - end.tail.size();
  std::vector<TokenId> content;
  if (begin < from_view) {
    content.assign(view_.begin() + static_cast<std::ptrdiff_t>(begin),
                   view_.begin() + static_cast<std::ptrdiff_t>(from_view));
  }
  const size_t tail_skip = begin > from_view ? begin - from_view : 0;
  content.insert(content.end(), end.tail.begin() + static_cast<std::ptrdiff_t>(tail_skip), end.tail.end());
  sequence_->Assign(std::move(content));

  std::vector<size_t> positions;
  for (size_t i = first; i <= last; ++i) {
    const size_t position = question.places[i].size - begin - 1;
    // Tokens without text move no place: their answer is that of the token before them.
    if (positions.empty() || positions.back() != position) positions.push_back(position);
  }
  std::vector<size_t> slots;
  for (size_t i = first; i <= last; ++i) slots.push_back(question.places[i].size - begin - 1);
  question.asked = last + 1;
  auto on_row = [model = model_, p_style = question.p_style, positions, slots, first](
                    std::span<const float> row, size_t index) {
    const float p = model->StyleProbability(row.data());
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] == positions[index]) (*p_style)[first + i] = p;
    }
  };
  sequence_->Want(positions, std::move(on_row), [this](const Status& status) {
    if (status) return AskNext();
    const auto failed = std::move(question_);
    failed->done(tl::unexpected(status.error()));
  });
}

}  // namespace tessy
