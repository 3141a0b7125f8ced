#include "cast/served_predictor.h"

#include <fmt/format.h>

#include <utility>

namespace tessy {

Result<std::unique_ptr<ServedPredictor>> ServedPredictor::Connect(Role role,
                                                                  const PoolingModelOptions& options,
                                                                  const DrivingThread& thread) {
  auto model = PoolingModel::Connect(options, thread.post, thread.delay);
  if (!model) return tl::unexpected(model.error());
  return std::unique_ptr<ServedPredictor>(new ServedPredictor(role, std::move(*model)));
}

uint64_t ServedPredictor::vocabulary() const {
  return model_->vocabulary() != nullptr ? model_->vocabulary()->fingerprint() : 0;
}

Status ServedPredictor::Start(const StartOptions& options) {
  reads_tokens_of_ = options.players_with(vocabulary());
  return {};
}

std::optional<PartCounts> ServedPredictor::counts() const {
  return PartCounts{.name = fmt::format("{} predictor", Name(role_)), .counts = model_->counts()};
}

}  // namespace tessy
