#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boundary/lexicon/lexicon.h"
#include "cooperation/boundary_predictor.h"

namespace tessy {

// A reader that follows one response with the lexicon. It keeps the current span and as much of the text
// before it as the lexicon looks back. `lexicon` must outlive the reader.
class LexiconReader final : public BoundaryReader {
 public:
  // Runs a function later, on the thread that drives the run. It may keep the function longer than the
  // reader lives.
  using Post = std::function<void(std::function<void()>)>;

  LexiconReader(const Lexicon& lexicon, Post post);

  void Append(Role writer, std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void EndSpan() override;
  void Ask(std::span<const uint32_t> places, AskDone done) override;
  bool ReadsTokensOf(Role writer) const override;

 private:
  const Lexicon& lexicon_;
  Post post_;
  std::string text_;          // the end of the text before the span, then the span
  size_t span_begin_ = 0;     // in text_
  std::vector<size_t> ends_;  // in text_, through each token of the span
  // True while a question is under way. Callbacks hold weak copies and do nothing once the reader is gone.
  std::shared_ptr<bool> asking_ = std::make_shared<bool>(false);
};

}  // namespace tessy
