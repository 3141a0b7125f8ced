#pragma once

#include <array>
#include <memory>

#include "cast/driving_thread.h"
#include "cast/predictor.h"

namespace tessy {

// A predictor behind servers.
class ServedPredictor final : public Predictor {
 public:
  // Asks the servers, and waits for them; errors as those of PoolingModel::Connect.
  static Result<std::unique_ptr<ServedPredictor>> Connect(Role role, const PoolingModelOptions& options,
                                                          const DrivingThread& thread);

  uint64_t vocabulary() const override;
  Status Start(const StartOptions& options) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader() override { return model_->Open(reads_tokens_of_); }
  void Cancel() override { model_->Cancel(); }
  std::optional<PartCounts> counts() const override;

 private:
  ServedPredictor(Role role, std::unique_ptr<PoolingModel> model) : role_(role), model_(std::move(model)) {}

  Role role_;
  std::unique_ptr<PoolingModel> model_;
  std::array<bool, 2> reads_tokens_of_{};
};

}  // namespace tessy
