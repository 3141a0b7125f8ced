#include "synthesis/mixed_cast.h"

#include <algorithm>

namespace tessy {

constexpr size_t kContextDefault = 40960;  // the paper's (method, section 3)

Result<std::unique_ptr<MixedCast>> MixedCast::Load(const MixedCastOptions& options, Engine::Post post,
                                                   ServerModel::Delay delay) {
  std::unique_ptr<MixedCast> cast(new MixedCast);
  cast->post_ = post;
  LlamaCastOptions local = options.llama;
  for (const Role role : kRoles) {
    const auto& server = options.servers[Index(role)];
    if (!server) continue;
    auto model = ServerModel::Connect(*server, post, delay);
    if (!model) return tl::unexpected(model.error());
    cast->servers_[Index(role)] = std::move(*model);
    local.served[Index(role)] = cast->servers_[Index(role)]->family();
  }
  auto loaded = LlamaCast::Load(local, std::move(post));
  if (!loaded) return tl::unexpected(loaded.error());
  cast->local_ = std::move(*loaded);
  return cast;
}

const Family& MixedCast::FamilyOf(Role role) const {
  const auto& server = servers_[Index(role)];
  return server ? server->family() : local_->FamilyOf(role);
}

Result<OpenedSession> MixedCast::OpenSession(Role role, std::span<const Message> messages) {
  const auto& server = servers_[Index(role)];
  if (!server) return local_->OpenSession(role, messages);
  auto session = server->Open(messages);
  if (!session) return tl::unexpected(session.error());
  // A server counts its own tokens; what does not fit it says.
  const size_t context = server->context_tokens() > 0 ? server->context_tokens() : kContextDefault;
  return OpenedSession{.session = std::move(*session), .prompt_tokens = 0, .context_tokens = context};
}

void MixedCast::Score(Role role, std::span<const Message> messages, std::string_view thinking,
                      std::string_view answer, std::function<void(Result<double>)> done) {
  if (!servers_[Index(role)]) return local_->Score(role, messages, thinking, answer, std::move(done));
  post_([done = std::move(done)] {
    done(Fail(ErrorCode::kInvalidArgument, "a server tells no likelihoods; use --score-by judge"));
  });
}

void MixedCast::Cancel() {
  for (const auto& server : servers_) {
    if (server) server->Cancel();
  }
}

bool MixedCast::busy() const {
  return local_->busy() || std::any_of(servers_.begin(), servers_.end(),
                                       [](const auto& server) { return server && server->busy(); });
}

}  // namespace tessy
