#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "boundary/pooling/pooling_model.h"
#include "model/openai/server_model.h"
#include "synthesis/llama_cast.h"

namespace tessy {

struct MixedCastOptions {
  LlamaCastOptions llama;  // its `models` are empty for roles that are served
  // By role; none for a role that plays in process.
  std::array<std::optional<ServerModelOptions>, 2> servers;
  std::array<std::optional<PoolingModelOptions>, 2>
      predictors;  // likewise; `llama.boundaries` are empty then
};

// A cast of which any model or predictor may be behind servers; the others are in process. One thread.
class MixedCast final : public Cast {
 public:
  static Result<std::unique_ptr<MixedCast>> Load(const MixedCastOptions& options, Engine::Post post,
                                                 ServerModel::Delay delay);

  const Family& FamilyOf(Role role) const override;
  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override;
  // Of a role in process alone.
  void Score(Role role, std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             std::function<void(Result<double>)> done) override;
  void Cancel() override;
  void Pump() override { local_->Pump(); }
  bool busy() const override;

  const LlamaCast& local() const { return *local_; }
  const ServerModel* server(Role role) const { return servers_[Index(role)].get(); }
  const PoolingModel* predictor(Role role) const { return predictors_[Index(role)].get(); }
  // Samples at a time: as memory allows, and no more than the process may hold connections.
  int concurrency() const { return concurrency_; }
  // True where both roles and both predictors share one vocabulary: `--cut auto` then cuts at tokens.
  bool shares_vocabulary() const { return shares_vocabulary_; }

 private:
  MixedCast() = default;
  Status ConnectModels(const MixedCastOptions& options, const ServerModel::Delay& delay,
                       LlamaCastOptions& local);
  Status ConnectPredictors(const MixedCastOptions& options, const ServerModel::Delay& delay);
  void CompareVocabularies();

  Engine::Post post_;
  std::unique_ptr<LlamaCast> local_;
  std::array<std::unique_ptr<ServerModel>, 2> servers_;
  std::array<std::unique_ptr<PoolingModel>, 2> predictors_;
  bool shares_vocabulary_ = false;
  int concurrency_ = 1;
};

}  // namespace tessy
