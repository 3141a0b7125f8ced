#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "cooperation/boundary_predictor.h"
#include "cooperation/cut.h"
#include "model/llama/engine.h"

namespace tessy {

// A trained token classifier (LlamaModel::LoadClassifier) as boundary predictor: next-token labels,
// incremental cache, the window of window.h. Where the predictor's vocabulary is the writer's it reads the
// writer's tokens; otherwise it tokenises the text in the pieces of PieceSplitter.
class ClassifierReader final : public BoundaryReader {
 public:
  // `reads_tokens_of` by role. `sequence` must belong to an engine of a classifier.
  ClassifierReader(std::unique_ptr<Sequence> sequence, std::shared_ptr<const LlamaModel> model,
                   std::array<bool, 2> reads_tokens_of);
  ~ClassifierReader() override;

  void Append(Role writer, std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override;
  void EndSpan() override;
  void Ask(std::span<const uint32_t> places, AskDone done) override;
  bool ReadsTokensOf(Role writer) const override { return reads_tokens_of_[Index(writer)]; }

 private:
  struct Place {
    size_t size;                // predictor tokens of the response up to the place
    std::vector<TokenId> tail;  // the last of them, where they are not in view_
  };
  struct Question;
  Place Locate(uint32_t tokens) const;
  void AskNext();
  void Follow();
  void PushText(std::string_view text);

  std::unique_ptr<Sequence> sequence_;
  std::shared_ptr<const LlamaModel> model_;
  std::array<bool, 2> reads_tokens_of_;

  std::vector<TokenId> view_;  // the response in predictor tokens, as far as its pieces are complete
  size_t span_begin_ = 0;      // in view_
  Role writer_ = Role::kStudent;
  // The current span: where each of its tokens ends, in view_ for a writer whose tokens are read, else in its
  // text.
  std::vector<size_t> ends_;
  std::string text_;
  PieceSplitter splitter_;
  std::vector<std::pair<size_t, size_t>> pieces_;  // ends of its complete pieces: in text_, in view_
  std::unique_ptr<Question> question_;
};

}  // namespace tessy
