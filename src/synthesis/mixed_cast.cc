#include "synthesis/mixed_cast.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

#include "cooperation/loop.h"

namespace tessy {

constexpr size_t kContextDefault = 40960;  // the paper's (method, section 3)
constexpr int kServedConcurrency = 256;    // where nothing here limits it

Status MixedCast::ConnectModels(const MixedCastOptions& options, const ServerModel::Delay& delay,
                                LlamaCastOptions& local) {
  for (const Role role : kRoles) {
    if (!options.servers[Index(role)]) continue;
    ServerModelOptions server = *options.servers[Index(role)];
    // A predictor is made from its role's model more often than not, and brings that one's vocabulary.
    const std::string& predictor = options.llama.boundaries[Index(role)];
    if (server.vocabulary.empty() && predictor.ends_with(".gguf")) {
      server.vocabulary_candidates.push_back(predictor);
    }
    auto model = ServerModel::Connect(server, post_, delay);
    if (!model) return tl::unexpected(model.error());
    servers_[Index(role)] = std::move(*model);
    const Vocabulary* vocabulary = servers_[Index(role)]->vocabulary();
    local.served[Index(role)] = {.family = servers_[Index(role)]->family(),
                                 .vocabulary = vocabulary != nullptr ? vocabulary->fingerprint() : 0};
  }
  return {};
}

Status MixedCast::ConnectPredictors(const MixedCastOptions& options, const ServerModel::Delay& delay) {
  for (const Role role : kRoles) {
    if (!options.predictors[Index(role)]) continue;
    auto predictor = PoolingModel::Connect(*options.predictors[Index(role)], post_, delay);
    if (!predictor) return tl::unexpected(predictor.error());
    predictors_[Index(role)] = std::move(*predictor);
  }
  return {};
}

void MixedCast::CompareVocabularies() {
  shares_vocabulary_ = local_->roles_share_vocabulary();
  for (const auto& server : servers_) {
    if (server) server->SetSharesVocabulary(shares_vocabulary_);
  }
  for (const Role role : kRoles) {
    const auto& served = predictors_[Index(role)];
    const Vocabulary* vocabulary = served ? served->vocabulary()
                                   : local_->predictor(role) != nullptr
                                       ? &local_->predictor(role)->vocabulary()
                                       : nullptr;
    shares_vocabulary_ =
        shares_vocabulary_ && vocabulary != nullptr && vocabulary->fingerprint() == local_->vocabularies()[0];
  }
}

namespace {

// Streams are sockets: as many as a process may open, less what it needs besides.
int FitOpenFiles(int concurrency) {
  constexpr rlim_t kOthers = 128;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return concurrency;
  const auto wanted = static_cast<rlim_t>(concurrency) + concurrency / 8 + kOthers;
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(limit.rlim_max, wanted);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= wanted) return concurrency;
  const rlim_t fits = std::min<rlim_t>(
      concurrency, limit.rlim_cur > 2 * kOthers ? (limit.rlim_cur - kOthers) * 8 / 9 : kOthers / 2);
  if (fits == static_cast<rlim_t>(concurrency)) return concurrency;
  spdlog::warn("only {} files may be open at a time (ulimit -Hn): {} samples at a time instead of {}",
               limit.rlim_cur, fits, concurrency);
  return static_cast<int>(fits);
}

}  // namespace

Result<std::unique_ptr<MixedCast>> MixedCast::Load(const MixedCastOptions& options, Engine::Post post,
                                                   ServerModel::Delay delay) {
  std::unique_ptr<MixedCast> cast(new MixedCast);
  cast->post_ = post;
  LlamaCastOptions local = options.llama;
  if (auto status = cast->ConnectModels(options, delay, local); !status)
    return tl::unexpected(status.error());
  if (auto status = cast->ConnectPredictors(options, delay); !status) return tl::unexpected(status.error());
  auto loaded = LlamaCast::Load(local, std::move(post));
  if (!loaded) return tl::unexpected(loaded.error());
  cast->local_ = std::move(*loaded);
  cast->CompareVocabularies();
  cast->concurrency_ = cast->local_->plan().concurrency;
  if (local.concurrency == 0 && cast->local_->plan().lines.empty()) cast->concurrency_ = kServedConcurrency;
  if (cast->servers_[0] || cast->servers_[1]) cast->concurrency_ = FitOpenFiles(cast->concurrency_);
  return cast;
}

const Family& MixedCast::FamilyOf(Role role) const {
  const auto& server = servers_[Index(role)];
  return server ? server->family() : local_->FamilyOf(role);
}

Result<OpenedSession> MixedCast::OpenSession(Role role, std::span<const Message> messages) {
  const auto& server = servers_[Index(role)];
  if (!server) return local_->OpenSession(role, messages);
  // A server counts its own tokens; what does not fit it says.
  const size_t context = server->context_tokens() > 0 ? server->context_tokens() : kContextDefault;
  size_t prompt_tokens = 0;
  auto session = server->Open(messages, &prompt_tokens);
  if (!session) return tl::unexpected(session.error());
  if (prompt_tokens + 1 >= context) {
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("{}: {} tokens for the {}, whose context holds {}",
                            Name(FailureReason::kPromptTooLong), prompt_tokens, Name(role), context));
  }
  return OpenedSession{
      .session = std::move(*session), .prompt_tokens = prompt_tokens, .context_tokens = context};
}

Result<std::unique_ptr<BoundaryReader>> MixedCast::OpenReader(Role role) {
  const auto& predictor = predictors_[Index(role)];
  if (!predictor) return local_->OpenReader(role);
  const uint64_t own = predictor->vocabulary() != nullptr ? predictor->vocabulary()->fingerprint() : 0;
  const auto& roles = local_->vocabularies();
  return predictor->Open({own != 0 && own == roles[0], own != 0 && own == roles[1]});
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
  for (const auto& predictor : predictors_) {
    if (predictor) predictor->Cancel();
  }
}

bool MixedCast::busy() const {
  return local_->busy() ||
         std::any_of(servers_.begin(), servers_.end(),
                     [](const auto& server) { return server && server->busy(); }) ||
         std::any_of(predictors_.begin(), predictors_.end(),
                     [](const auto& predictor) { return predictor && predictor->busy(); });
}

}  // namespace tessy
