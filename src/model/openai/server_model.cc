#include "model/openai/server_model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "model/openai/server_session.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

// Words, numbers, code and scripts in which vocabularies differ.
constexpr const char* kProbeText =
    "Okay, let's see. So 12 + 30 = 42, wait:\n\n\tfor (int i = 0; i < n_max; ++i) { sum += a[i]; }  // naïve "
    "中文 "
    "ответ 3.14159\n";

std::string ListOf(const std::vector<std::pair<size_t, std::string>>& down) {
  std::string text;
  for (const auto& [server, reason] : down) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

}  // namespace

int64_t ServerModel::Impl::NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Status ServerModel::Impl::Probe() {
  std::vector<std::pair<size_t, std::string>> down;
  std::optional<size_t> first;
  for (size_t i = 0; i < options.addresses.size(); ++i) {
    const ServerAddress& address = options.addresses[i];
    auto found = ProbeServer(address, options.dialect, options.http, options.connect_seconds);
    if (!found && found.error().retryable) {
      down.emplace_back(i, found.error().message);
      continue;
    }
    if (!found) return tl::unexpected(found.error());
    if (first && !found->Matches(identity)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} and {}: do not serve the same model; replicas must",
                              options.addresses[*first].base, address.base));
    }
    if (!first) identity = std::move(*found);
    if (!first) first = i;
  }
  if (!first) return Fail(ErrorCode::kBackend, ListOf(down), /*retryable=*/true);
  // The first that answers speaks for all of them.
  std::swap(options.addresses[0], options.addresses[*first]);
  for (auto& [server, reason] : down) {
    if (server == 0) server = *first;
  }
  if (auto status = FindVocabulary(); !status) return status;
  if (!format) {
    if (auto status = LoadTemplate(); !status) return status;
  }
  if (auto status = FindMarkers(); !status) return status;
  MakeFleet(down);
  return {};
}

Status ServerModel::Impl::UseVocabulary(const std::string& path, std::shared_ptr<const Vocabulary> loaded) {
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  auto chat_format =
      ChatFormat::Load(*file, *loaded, options.family, options.template_options, identity.chat_template);
  if (!chat_format) return tl::unexpected(chat_format.error());
  format = std::move(*chat_format);
  family = format->family();
  vocabulary = std::move(loaded);
  return {};
}

Status ServerModel::Impl::FindVocabulary() {
  const std::string& address = options.addresses[0].base;
  if (!options.vocabulary.empty()) {
    auto loaded = LoadVocabulary(options.vocabulary);
    if (!loaded) return tl::unexpected(loaded.error());
    const auto difference = DifferenceTo(**loaded);
    if (!difference) return tl::unexpected(difference.error());
    if (!difference->empty()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "{}: its model has not the vocabulary of {} ({}); give the file of the model that is served",
              address, options.vocabulary, *difference));
    }
    return UseVocabulary(options.vocabulary, std::move(*loaded));
  }
  // A server whose template is known, and whose vocabulary some file at hand may have.
  if (identity.dialect != ServerDialect::kLlamaServer) return {};
  for (const std::string& path : options.vocabulary_candidates) {
    auto loaded = LoadVocabulary(path);
    if (!loaded || (*loaded)->size() != identity.vocabulary_size) continue;
    const auto difference = DifferenceTo(**loaded);
    if (!difference || !difference->empty()) continue;
    spdlog::info("{}: has the vocabulary of {}", address, path);
    return UseVocabulary(path, std::move(*loaded));
  }
  return {};
}

Status ServerModel::Impl::LoadTemplate() {
  const std::string& address = options.addresses[0].base;
  if (options.family.empty() && identity.dialect != ServerDialect::kLlamaServer) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "{}: a {} server does not tell its chat template; name the model's family (qwen3, gpt-oss, "
            "deepseek-r1, plain, or a .toml), or give a .gguf with its vocabulary and template",
            address, Name(identity.dialect)));
  }
  auto loaded = LoadFamily(options.family.empty() ? DetectFamily(identity.chat_template) : options.family);
  if (!loaded) return tl::unexpected(loaded.error());
  family = std::move(*loaded);
  auto parsed =
      ChatTemplate::Parse(identity.chat_template.empty() ? family.default_template : identity.chat_template,
                          {.bos = identity.bos, .eos = identity.eos});
  if (!parsed) return Fail(parsed.error().code, fmt::format("{}: {}", address, parsed.error().message));
  chat_template = std::move(*parsed);
  return {};
}

// In what the server's vocabulary is not this one; empty where no difference shows.
Result<std::string> ServerModel::Impl::DifferenceTo(const Vocabulary& ours) const {
  if (identity.vocabulary_size > 0 && identity.vocabulary_size != ours.size()) {
    return fmt::format("{} tokens, not {}", identity.vocabulary_size, ours.size());
  }
  const ServerAddress& address = options.addresses[0];
  const auto theirs = TokenizeByServer(address, identity, options.http, kProbeText, false);
  if (!theirs) return tl::unexpected(theirs.error());
  if (*theirs && **theirs != ours.Tokenize(kProbeText)) return std::string("a text gives other tokens");
  // Some of all its tokens, by their text.
  std::vector<TokenId> sample;
  std::string text;
  const size_t step = std::max<size_t>(1, ours.size() / 256);
  for (size_t id = 0; id < ours.size(); id += step) {
    const std::string_view piece = ours.Piece(static_cast<TokenId>(id));
    // What is no text by itself is written differently by every server.
    if (piece.empty() || !IsValidUtf8(piece)) continue;
    sample.push_back(static_cast<TokenId>(id));
    text += piece;
  }
  const auto said = DetokenizeByServer(address, identity, options.http, sample);
  if (!said) return tl::unexpected(said.error());
  // A leading blank is what some servers take off.
  const auto trimmed = [](std::string_view whole) {
    return whole.substr(std::min(whole.size(), whole.find_first_not_of(' ')));
  };
  if (*said && trimmed(**said) != trimmed(text)) return std::string("tokens have other texts");
  if (!*theirs && !*said) {
    spdlog::warn("{}: cannot be asked for its vocabulary; the one given is taken for it", address.base);
  }
  return std::string();
}

Status ServerModel::Impl::FindMarkers() {
  if (format) {
    close_tokens = format->close_tokens();
    end_tokens = format->end_tokens();
    return {};
  }
  for (auto [texts, tokens] :
       {std::pair(&family.close_tokens, &close_tokens), std::pair(&family.end_tokens, &end_tokens)}) {
    for (const std::string& text : *texts) {
      const auto ids = TokenizeByServer(options.addresses[0], identity, options.http, text, true);
      if (!ids) return tl::unexpected(ids.error());
      if (*ids && (*ids)->size() == 1) tokens->push_back((*ids)->front());
    }
  }
  return {};
}

void ServerModel::Impl::MakeFleet(const std::vector<std::pair<size_t, std::string>>& down) {
  Fleet::Options told{.addresses = {},
                      .requests_max = options.requests_max,
                      .patience_ms = options.patience_ms,
                      .check_pause_ms = options.check_pause_ms};
  for (const ServerAddress& address : options.addresses) told.addresses.push_back(address.base);
  fleet = std::make_unique<Fleet>(
      std::move(told),
      Fleet::Surroundings{
          .now_ms = &NowMs, .post = post, .delay = delay, .check = [this](size_t server, const auto& done) {
            Check(server, done);
          }});
  for (const auto& [server, reason] : down) fleet->MarkDown(server, reason);
}

void ServerModel::Impl::Check(size_t server, const std::function<void(std::optional<std::string>)>& done) {
  inquiries->Ask(Url(server, "/health"), [this, server, done](const Result<std::string>& health) {
    if (!health) return done(health.error().message);
    const bool llama = identity.dialect == ServerDialect::kLlamaServer;
    inquiries->Ask(
        Url(server, llama ? "/props" : "/v1/models"), [this, llama, done](const Result<std::string>& answer) {
          if (!answer) return done(answer.error().message);
          if (!SaysThatItServes(*answer, llama ? "" : identity.model, llama ? identity.chat_template : "")) {
            return done("came back with another model");
          }
          done(std::nullopt);
        });
  });
}

void ServerModel::Impl::Watch() {
  if (std::exchange(watching, true)) return;
  const int64_t pause = std::clamp<int64_t>(std::min(options.token_ms, options.first_token_ms) / 8, 5, 1000);
  delay(pause, [this, weak = std::weak_ptr<int>(alive)] {
    if (weak.expired()) return;
    watching = false;
    const int64_t now = NowMs();
    bool any = false;
    for (ServerSession* session : sessions) {
      session->Watch(now);
      any = any || session->streams();
    }
    if (any) Watch();
  });
}

Result<std::unique_ptr<ServerModel>> ServerModel::Connect(const ServerModelOptions& options,
                                                          HttpClient::Post post, Delay delay) {
  std::unique_ptr<ServerModel> model(new ServerModel);
  model->impl_ = std::make_unique<Impl>();
  Impl& impl = *model->impl_;
  impl.options = options;
  impl.post = post;
  impl.delay = std::move(delay);
  auto http = HttpClient::Create(options.http, std::move(post));
  if (!http) return tl::unexpected(http.error());
  impl.http = std::move(*http);
  impl.inquiries = std::make_unique<Inquiries>(*impl.http, options.connect_seconds);
  if (auto status = impl.Probe(); !status) return tl::unexpected(status.error());
  return model;
}

ServerModel::~ServerModel() = default;
const Family& ServerModel::family() const { return impl_->family; }
ServerDialect ServerModel::dialect() const { return impl_->identity.dialect; }
size_t ServerModel::context_tokens() const { return impl_->identity.context_tokens; }
const Vocabulary* ServerModel::vocabulary() const { return impl_->vocabulary.get(); }
void ServerModel::SetSharesVocabulary(bool shares) { impl_->shares_vocabulary = shares; }

bool ServerModel::busy() const {
  return std::any_of(impl_->sessions.begin(), impl_->sessions.end(),
                     [](const ServerSession* session) { return session->waits(); });
}

void ServerModel::Cancel() {
  impl_->cancelled = true;
  for (ServerSession* session : impl_->sessions) session->Cancel();
}

ServerModel::Counts ServerModel::counts() const {
  Counts counts = impl_->counts;
  const auto totals = impl_->http->totals();
  counts.requests = totals.requests;
  counts.bytes_sent = totals.bytes_sent;
  counts.bytes_received = totals.bytes_received;
  counts.overloads = impl_->fleet->counts().overloads;
  counts.outages = impl_->fleet->counts().outages;
  return counts;
}

Result<std::unique_ptr<Session>> ServerModel::Open(std::span<const Message> messages, size_t* prompt_tokens) {
  Impl& impl = *impl_;
  CompletionBody body({.dialect = impl.identity.dialect,
                       .model = impl.identity.model,
                       .sampling = impl.options.sampling,
                       .ids = impl.format.has_value()});
  uint64_t prompt_hash = 0;
  if (impl.format) {
    const auto prompt = impl.format->Prompt(messages, *impl.vocabulary);
    if (!prompt) return tl::unexpected(prompt.error());
    body.AppendTokens(prompt->data(), prompt->size());
    if (prompt_tokens != nullptr) *prompt_tokens = prompt->size();
    prompt_hash =
        HashBytes({reinterpret_cast<const char*>(prompt->data()), prompt->size() * sizeof(TokenId)});
  } else {
    const auto parts =
        RenderOpenThinking(*impl.chat_template, impl.family, messages, impl.options.template_options);
    if (!parts) return tl::unexpected(parts.error());
    std::string prompt = JoinParts(*parts);
    // The server puts it there itself.
    if (!impl.identity.bos.empty() && prompt.starts_with(impl.identity.bos)) {
      prompt.erase(0, impl.identity.bos.size());
    }
    body.AppendText(prompt);
    prompt_hash = HashBytes(prompt);
  }
  const std::array<uint64_t, 2> parts{prompt_hash, impl.opened++};
  return std::make_unique<ServerSession>(impl, std::move(body), HashParts(parts));
}

}  // namespace tessy
