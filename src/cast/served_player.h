#pragma once

#include <memory>

#include "cast/driving_thread.h"
#include "cast/player.h"
#include "model/openai/server_model.h"

namespace tessy {

// A model behind servers.
class ServedPlayer final : public Player {
 public:
  // Asks the servers what they are, and waits for them; errors as those of ServerModel::Connect.
  static Result<std::unique_ptr<ServedPlayer>> Connect(Role role, const ServerModelOptions& options,
                                                       const DrivingThread& thread);

  const Family& family() const override { return model_->family(); }
  uint64_t vocabulary() const override;
  Status Start(const StartOptions& options) override;
  Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const override;
  Result<OpenedSession> OpenSession(std::span<const Message> messages, bool thinks) override;
  // A server tells no likelihoods: kInvalidArgument.
  void Score(std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             ScoreDone done) override;
  void Cancel() override { model_->Cancel(); }
  PartCounts counts() const override;

 private:
  ServedPlayer(Role role, std::unique_ptr<ServerModel> model, DrivingThread thread)
      : role_(role), model_(std::move(model)), thread_(std::move(thread)) {}

  Role role_;
  std::unique_ptr<ServerModel> model_;
  DrivingThread thread_;
};

}  // namespace tessy
