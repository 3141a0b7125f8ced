#include "cast/served_player.h"

#include <utility>

namespace tessy {

Result<std::unique_ptr<ServedPlayer>> ServedPlayer::Connect(Role role, const ServerModelOptions& options,
                                                            const DrivingThread& thread) {
  auto model = ServerModel::Connect(options, thread.post, thread.delay);
  if (!model) return tl::unexpected(model.error());
  return std::unique_ptr<ServedPlayer>(new ServedPlayer(role, std::move(*model), thread));
}

uint64_t ServedPlayer::vocabulary() const {
  return model_->vocabulary() != nullptr ? model_->vocabulary()->fingerprint() : 0;
}

Status ServedPlayer::Start(const StartOptions& options) {
  model_->SetSharesVocabulary(options.players_share_vocabulary());
  return {};
}

Result<std::string> ServedPlayer::PromptText(std::span<const Message> messages, bool thinks) const {
  return model_->PromptText(messages, thinks);
}

Result<OpenedSession> ServedPlayer::OpenSession(std::span<const Message> messages, bool thinks) {
  // A server counts its own tokens; it says itself what does not fit.
  const size_t context = model_->context_tokens() > 0 ? model_->context_tokens() : kContextTokensDefault;
  size_t prompt_tokens = 0;
  auto session = model_->Open(messages, thinks, &prompt_tokens);
  if (!session) return tl::unexpected(session.error());
  if (auto status = CheckPromptFits(role_, prompt_tokens, context); !status)
    return tl::unexpected(status.error());
  return OpenedSession{
      .session = std::move(*session), .prompt_tokens = prompt_tokens, .context_tokens = context};
}

void ServedPlayer::Score(std::span<const Message>, std::string_view, std::string_view, ScoreDone done) {
  thread_.post([done = std::move(done)] {
    done(Fail(ErrorCode::kInvalidArgument, "a server tells no likelihoods; use --score-by judge"));
  });
}

PartCounts ServedPlayer::counts() const {
  return {.name = std::string(Name(role_)),
          .counts = PartCounts::Served{.counts = model_->counts(),
                                       .dialect = std::string(Name(model_->dialect()))}};
}

}  // namespace tessy
