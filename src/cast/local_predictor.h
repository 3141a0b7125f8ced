#pragma once

#include <array>
#include <memory>

#include "cast/engine_pool.h"
#include "cast/predictor.h"

namespace tessy {

// A trained classifier in process.
class LocalPredictor final : public Predictor {
 public:
  // `model` as from LlamaModel::LoadClassifier.
  LocalPredictor(Role role, std::shared_ptr<const LlamaModel> model, Engine::Post post)
      : role_(role), model_(std::move(model)), post_(std::move(post)) {}

  uint64_t vocabulary() const override { return model_->vocabulary().fingerprint(); }
  std::optional<MemoryNeeds> needs() const override;
  Status Start(const StartOptions& options) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader() override;
  std::optional<PartCounts> counts() const override;

 private:
  Role role_;
  std::shared_ptr<const LlamaModel> model_;
  Engine::Post post_;
  std::array<bool, 2> reads_tokens_of_{};
  EnginePool engines_;
};

// The built-in rules.
class LexiconPredictor final : public Predictor {
 public:
  explicit LexiconPredictor(Engine::Post post) : post_(std::move(post)) {}

  uint64_t vocabulary() const override { return 0; }
  Status Start(const StartOptions&) override { return {}; }
  Result<std::unique_ptr<BoundaryReader>> OpenReader() override;

 private:
  Engine::Post post_;
};

}  // namespace tessy
