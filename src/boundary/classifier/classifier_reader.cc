#include "boundary/classifier/classifier_reader.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "boundary/window.h"

namespace tessy {

struct ClassifierReader::Question {
  std::vector<PredictorView::Place> places;
  size_t asked = 0;
  // The engine's thread writes this before the batch that fills it is complete.
  std::shared_ptr<std::vector<float>> p_style;
  AskDone done;
};

ClassifierReader::ClassifierReader(std::unique_ptr<Sequence> sequence,
                                   std::shared_ptr<const LlamaModel> model,
                                   std::array<bool, 2> reads_tokens_of)
    : sequence_(std::move(sequence)),
      model_(std::move(model)),
      view_(model_->vocabulary(), reads_tokens_of) {}

ClassifierReader::~ClassifierReader() = default;

void ClassifierReader::Append(Role writer, std::span<const DraftToken> tokens) {
  view_.Append(writer, tokens);
  Follow();
}

// The tokens that were appended are computed alongside other work, before the first question.
void ClassifierReader::Follow() {
  if (question_) return;
  const auto& tokens = view_.tokens();
  const size_t begin = WindowBegin(tokens.size());
  sequence_->Assign({tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.end()});
}

void ClassifierReader::EndSpan() {
  view_.EndSpan();
  Follow();
}

void ClassifierReader::Ask(std::span<const uint32_t> places, AskDone done) {
  TESSY_CHECK(!question_ && !places.empty());
  question_ = std::make_unique<Question>();
  for (const uint32_t place : places) question_->places.push_back(view_.Locate(place));
  question_->p_style = std::make_shared<std::vector<float>>(places.size());
  question_->done = std::move(done);
  AskNext();
}

// Asks for as many places as one content of the sequence can serve: those that share a window and need no
// tail of their own.
void ClassifierReader::AskNext() {
  Question& question = *question_;
  if (question.asked == question.places.size()) {
    const auto finished = std::move(question_);
    return finished->done(std::move(*finished->p_style));
  }
  const size_t first = question.asked;
  const PredictorView::Place& place = question.places[first];
  const size_t begin = WindowBegin(place.size);
  size_t last = first;
  while (place.tail.empty() && last + 1 < question.places.size() && question.places[last + 1].tail.empty() &&
         WindowBegin(question.places[last + 1].size) == begin) {
    ++last;
  }
  sequence_->Assign(view_.Content(question.places[last], begin));

  std::vector<size_t> positions;
  for (size_t i = first; i <= last; ++i) {
    const size_t position = question.places[i].size - begin - 1;
    // A token without text does not move the place: its answer is the answer of the token before it.
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
