#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cast/engine_pool.h"
#include "cast/player.h"
#include "model/sampling.h"
#include "model/text/chat_format.h"

namespace tessy {

struct LocalPlayerOptions {
  Role role = Role::kStudent;
  std::string family;  // a built-in's name or a file; empty: as the template says
  TemplateOptions template_options;
  bool thinks = true;  // false: it is asked for answers alone
  Sampling sampling;
};

// A model in process.
class LocalPlayer final : public Player {
 public:
  static Result<std::unique_ptr<LocalPlayer>> Make(std::shared_ptr<const LlamaModel> model,
                                                   const LocalPlayerOptions& options, Engine::Post post);

  const Family& family() const override { return format_.family(); }
  uint64_t vocabulary() const override { return model_->vocabulary().fingerprint(); }
  std::optional<MemoryNeeds> needs() const override;
  Status Start(const StartOptions& options) override;
  Result<std::string> PromptText(std::span<const Message> messages, bool thinks) const override;
  Result<OpenedSession> OpenSession(std::span<const Message> messages, bool thinks) override;
  void Score(std::span<const Message> messages, std::string_view thinking, std::string_view answer,
             ScoreDone done) override;
  PartCounts counts() const override;

 private:
  struct Scoring;
  LocalPlayer(std::shared_ptr<const LlamaModel> model, ChatFormat format, Engine::Post post)
      : model_(std::move(model)), format_(std::move(format)), post_(std::move(post)) {}
  Result<std::shared_ptr<Scoring>> Prepare(std::span<const Message> messages, std::string_view thinking,
                                           std::string_view answer) const;

  Role role_ = Role::kStudent;
  Sampling sampling_;
  std::shared_ptr<const LlamaModel> model_;
  ChatFormat format_;
  Engine::Post post_;
  size_t context_tokens_ = 0;
  bool shares_vocabulary_ = false;
  EnginePool engines_;
};

}  // namespace tessy
