#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "model/openai/server_model.h"
#include "synthesis/llama_cast.h"

namespace tessy {

struct MixedCastOptions {
  LlamaCastOptions llama;  // its `models` are empty for roles that are served
  // By role; none for a role that plays in process.
  std::array<std::optional<ServerModelOptions>, 2> servers;
};

// A cast of which a role, or both, is played behind a server; predictors and the other role are in process.
// One thread.
class MixedCast final : public Cast {
 public:
  static Result<std::unique_ptr<MixedCast>> Load(const MixedCastOptions& options, Engine::Post post,
                                                 ServerModel::Delay delay);

  const Family& FamilyOf(Role role) const override;
  Result<OpenedSession> OpenSession(Role role, std::span<const Message> messages) override;
  Result<std::unique_ptr<BoundaryReader>> OpenReader(Role role) override { return local_->OpenReader(role); }
  // Of a role in process alone.
  void Score(Role role, std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             std::function<void(Result<double>)> done) override;
  void Cancel() override;
  void Pump() override { local_->Pump(); }
  bool busy() const override;

  const LlamaCast& local() const { return *local_; }
  const ServerModel* server(Role role) const { return servers_[Index(role)].get(); }

 private:
  MixedCast() = default;

  Engine::Post post_;
  std::unique_ptr<LlamaCast> local_;
  std::array<std::unique_ptr<ServerModel>, 2> servers_;
};

}  // namespace tessy
