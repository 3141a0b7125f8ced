#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "boundary/predictor_view.h"
#include "cooperation/boundary_predictor.h"
#include "model/llama/engine.h"

namespace tessy {

// A boundary predictor that is a trained token classifier (LlamaModel::LoadClassifier). It has next-token
// labels, an incremental cache, and the window of window.h.
class ClassifierReader final : public BoundaryReader {
 public:
  // `reads_tokens_of` is indexed by role. `sequence` must belong to an engine of a classifier.
  ClassifierReader(std::unique_ptr<Sequence> sequence, std::shared_ptr<const LlamaModel> model,
                   std::array<bool, 2> reads_tokens_of);
  ~ClassifierReader() override;

  void Append(Role writer, std::span<const DraftToken> tokens) override;
  void Rollback(size_t count) override { view_.Rollback(count); }
  void EndSpan() override;
  void Ask(std::span<const uint32_t> places, AskDone done) override;
  bool ReadsTokensOf(Role writer) const override { return view_.ReadsTokensOf(writer); }

 private:
  struct Question;
  void AskNext();
  void Follow();

  std::unique_ptr<Sequence> sequence_;
  std::shared_ptr<const LlamaModel> model_;
  PredictorView view_;
  std::unique_ptr<Question> question_;
};

}  // namespace tessy
