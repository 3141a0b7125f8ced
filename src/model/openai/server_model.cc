#include "model/openai/server_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "model/openai/server_session.h"
#include "model/text/guessed_family.h"
#include "model/text/llama_vocabulary.h"

namespace tessy {
namespace {

// Words, numbers, code and scripts in which vocabularies differ.
constexpr const char* kProbeText =
    "Okay, let's see. So 12 + 30 = 42, wait:\n\n\tfor (int i = 0; i < n_max; ++i) { sum += a[i]; }  // naïve "
    "中文 "
    "ответ 3.14159\n";

}  // namespace

Status ServerModel::Impl::UseVocabulary(const std::string& path, std::shared_ptr<const Vocabulary> loaded) {
  const auto file = GgufFile::Open(path);
  if (!file) return tl::unexpected(file.error());
  auto chat_format =
      ChatFormat::Load(*file, *loaded, options.family, options.template_options, identity().chat_template);
  if (!chat_format) return tl::unexpected(chat_format.error());
  format = std::move(*chat_format);
  family = format->family();
  if (own_template.empty()) own_template = file->String("tokenizer.chat_template").value_or("");
  vocabulary = std::move(loaded);
  return {};
}

Status ServerModel::Impl::FindVocabulary() {
  const std::string& address = servers->front().base;
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
  // The template of such a server is known, so that a file at hand needs to have its vocabulary only.
  if (!identity().dialect->tells_template) return {};
  for (const std::string& path : options.vocabulary_candidates) {
    auto loaded = LoadVocabulary(path);
    if (!loaded || (*loaded)->size() != identity().vocabulary_size) continue;
    const auto difference = DifferenceTo(**loaded);
    if (!difference || !difference->empty()) continue;
    spdlog::info("{}: has the vocabulary of {}", address, path);
    return UseVocabulary(path, std::move(*loaded));
  }
  return {};
}

Status ServerModel::Impl::LoadTemplate() {
  const std::string& address = servers->front().base;
  const auto named = [&](const Error& error) {
    return Fail(error.code, fmt::format("{}: {}", address, error.message));
  };
  if (options.family.empty() && !identity().dialect->tells_template) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a {} server does not tell its chat template; name the model's family ({}, "
                            "or a .toml), or give "
                            "a .gguf with its vocabulary and template",
                            address, identity().dialect->name, fmt::join(BuiltInFamilies(), ", ")));
  }
  auto loaded = LoadFamily(options.family.empty() ? DetectFamily(identity().chat_template) : options.family);
  if (!loaded) return tl::unexpected(loaded.error());
  family = std::move(*loaded);
  auto parsed = TemplateFor(family, identity().chat_template, {.bos = identity().bos, .eos = identity().eos});
  if (!parsed) return named(parsed.error());
  chat_template = std::move(*parsed);
  auto complete = WithHandover(std::move(family), *chat_template, options.template_options);
  if (!complete) return named(complete.error());
  family = std::move(*complete);
  return {};
}

Result<std::string> ServerModel::Impl::DifferenceTo(const Vocabulary& ours) const {
  if (identity().vocabulary_size > 0 && identity().vocabulary_size != ours.size()) {
    return fmt::format("{} tokens, not {}", identity().vocabulary_size, ours.size());
  }
  const ServerAddress& address = servers->front();
  const auto theirs =
      TokenizeByServer(address, identity(), options.http, kProbeText, false, options.patience_ms);
  if (!theirs) return tl::unexpected(theirs.error());
  if (*theirs && **theirs != ours.Tokenize(kProbeText)) return std::string("a text gives other tokens");
  // Tokens spread over the vocabulary, by their texts.
  std::vector<TokenId> sample;
  std::string text;
  const size_t step = std::max<size_t>(1, ours.size() / 256);
  for (size_t id = 0; id < ours.size(); id += step) {
    const std::string_view piece = ours.Piece(static_cast<TokenId>(id));
    // Pieces that are no text by themselves are written differently by every server.
    if (piece.empty() || !IsValidUtf8(piece)) continue;
    sample.push_back(static_cast<TokenId>(id));
    text += piece;
  }
  const auto said = DetokenizeByServer(address, identity(), options.http, sample, options.patience_ms);
  if (!said) return tl::unexpected(said.error());
  // Some servers take a leading blank off.
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
      const auto ids =
          TokenizeByServer(servers->front(), identity(), options.http, text, true, options.patience_ms);
      if (!ids) return tl::unexpected(ids.error());
      if (*ids && (*ids)->size() == 1 && (*ids)->front() >= 0) tokens->push_back((*ids)->front());
    }
  }
  if (family.end_closes_thinking) {
    close_tokens.insert(close_tokens.end(), end_tokens.begin(), end_tokens.end());
  }
  return {};
}

// Without a family's name the model's template is known.
void ServerModel::Impl::WarnOfFamily() const {
  if (!options.family.empty()) return;
  WarnOfGuess({.model = servers->front().base,
               .chat_template = own_template,
               .family = family,
               .has_close_token = !close_tokens.empty(),
               .thinks = options.thinks});
}

void ServerModel::Impl::Watch() {
  if (std::exchange(watching, true)) return;
  const int64_t pause = std::clamp<int64_t>(std::min(options.token_ms, options.first_token_ms) / 8, 5, 1000);
  delay(pause, [this, weak = std::weak_ptr<int>(alive)] {
    if (weak.expired()) return;
    watching = false;
    const int64_t now = ServerGroup::NowMs();
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
  auto servers = ServerGroup::Connect(options, std::move(post), impl.delay);
  if (!servers) return tl::unexpected(servers.error());
  impl.servers = std::move(*servers);
  impl.own_template = impl.identity().chat_template;
  if (auto status = impl.FindVocabulary(); !status) return tl::unexpected(status.error());
  if (!impl.format) {
    if (auto status = impl.LoadTemplate(); !status) return tl::unexpected(status.error());
  }
  if (auto status = impl.FindMarkers(); !status) return tl::unexpected(status.error());
  impl.WarnOfFamily();
  return model;
}

ServerModel::~ServerModel() = default;
const Family& ServerModel::family() const { return impl_->family; }
const ServerDialect& ServerModel::dialect() const { return *impl_->identity().dialect; }
size_t ServerModel::context_tokens() const { return impl_->identity().context_tokens; }
const Vocabulary* ServerModel::vocabulary() const { return impl_->vocabulary.get(); }
void ServerModel::SetSharesVocabulary(bool shares) { impl_->shares_vocabulary = shares; }

void ServerModel::Cancel() {
  impl_->cancelled = true;
  for (ServerSession* session : impl_->sessions) session->Cancel();
}

ServerModel::Counts ServerModel::counts() const {
  Counts counts = impl_->counts;
  const uint64_t retries = counts.retries;
  static_cast<ServerCounts&>(counts) = impl_->servers->counts();
  counts.retries = retries;
  return counts;
}

Result<std::string> ServerModel::Impl::PromptText(std::span<const Message> messages, bool thinks) const {
  if (format) return format->PromptText(messages, thinks);
  return RenderPrompt(*chat_template, family, messages, options.template_options, thinks)
      .map([](const std::vector<PromptPart>& parts) { return JoinParts(parts); });
}

Result<std::string> ServerModel::PromptText(std::span<const Message> messages, bool thinks) const {
  return impl_->PromptText(messages, thinks);
}

Result<std::unique_ptr<Session>> ServerModel::Open(std::span<const Message> messages, bool thinks,
                                                   size_t* prompt_tokens) {
  Impl& impl = *impl_;
  CompletionBody body({.dialect = *impl.identity().dialect,
                       .model = impl.identity().model,
                       .sampling = impl.options.sampling,
                       .ids = impl.format.has_value()});
  uint64_t prompt_hash = 0;
  if (impl.format) {
    const auto prompt = impl.format->Prompt(messages, *impl.vocabulary, thinks);
    if (!prompt) return tl::unexpected(prompt.error());
    body.AppendTokens(prompt->data(), prompt->size());
    if (prompt_tokens != nullptr) *prompt_tokens = prompt->size();
    prompt_hash =
        HashBytes({reinterpret_cast<const char*>(prompt->data()), prompt->size() * sizeof(TokenId)});
  } else {
    auto prompt = impl.PromptText(messages, thinks);
    if (!prompt) return tl::unexpected(prompt.error());
    // The server adds it again.
    if (!impl.identity().bos.empty() && prompt->starts_with(impl.identity().bos)) {
      prompt->erase(0, impl.identity().bos.size());
    }
    body.AppendText(*prompt);
    prompt_hash = HashBytes(*prompt);
  }
  const std::array<uint64_t, 2> parts{prompt_hash, impl.opened++};
  return std::make_unique<ServerSession>(impl, std::move(body), HashParts(parts));
}

}  // namespace tessy
