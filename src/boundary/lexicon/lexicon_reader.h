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

// Follows one response for the lexicon. Keeps the current span and as much of the text before it as the
// lexicon looks back. `lexicon` must outlive the reader.
class LexiconReader final : public BoundaryReader {
 public:
  // Runs a function later on the thread that drives the run; may keep it longer than the reader lives.
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
  std::string text_;          // the tail of what came before the span, then the span
  size_t span_begin_ = 0;     // in text_
  std::vector<size_t> ends_;  // in text_, through each token of the span
  std::shared_ptr<bool> asking_ =
      std::make_shared<bool>(false);  // its weak copies tell callbacks that we live
};

}  // namespace tessy
