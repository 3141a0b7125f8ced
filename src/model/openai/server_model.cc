#include "model/openai/server_model.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "model/openai/sse.h"

namespace tessy {

using Json = nlohmann::json;

namespace {

constexpr size_t kErrorShown = 200;
constexpr size_t kEventMax = 16U << 20;  // a server that sends more without an end is broken
constexpr int64_t kPauseMs = 250;        // before the first retry; doubled for each
constexpr int64_t kPauseMaxMs = 20000;

// A request that is waited for, before the run begins.
Result<std::pair<long, std::string>> Fetch(const std::string& url, const std::string& body,
                                           const HttpOptions& options) {
  std::string answer;
  char reason[CURL_ERROR_SIZE] = {};
  CURL* easy = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  if (!options.bearer_token.empty()) {
    headers = curl_slist_append(headers, ("Authorization: Bearer " + options.bearer_token).c_str());
  }
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!body.empty()) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(
      easy, CURLOPT_WRITEFUNCTION, +[](char* bytes, size_t size, size_t count, void* user) -> size_t {
        auto& text = *static_cast<std::string*>(user);
        if (text.size() + size * count > kEventMax) return 0;
        text.append(bytes, size * count);
        return size * count;
      });
  const CURLcode code = curl_easy_perform(easy);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(easy);
  if (code != CURLE_OK) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}: {}", url, reason[0] != '\0' ? reason : curl_easy_strerror(code)),
                /*retryable=*/true);
  }
  return std::pair(status, std::move(answer));
}

// What a server says of an error, in one line.
std::string ErrorText(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  std::string text(body);
  if (json.is_object() && json.contains("error")) {
    const Json& error = json["error"];
    if (error.is_object() && error.contains("message") && error["message"].is_string()) {
      text = error["message"].get<std::string>();
    } else {
      text = error.is_string() ? error.get<std::string>() : error.dump();
    }
  } else if (json.is_object() && json.contains("message") && json["message"].is_string()) {
    text = json["message"].get<std::string>();
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return Sanitize(text.substr(0, kErrorShown));
}

bool IsContextError(std::string_view text) {
  return text.find("context") != std::string_view::npos &&
         (text.find("exceed") != std::string_view::npos || text.find("maximum") != std::string_view::npos ||
          text.find("longer") != std::string_view::npos);
}

}  // namespace

std::string_view Name(ServerDialect dialect) {
  constexpr std::string_view kNames[] = {"llama-server", "vllm", "sglang"};
  return kNames[static_cast<size_t>(dialect)];
}

Result<ServerAddress> ServerAddress::Parse(std::string_view text) {
  const auto bad = [&](std::string_view reason) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}; write http://host:port/v1#served-model", text, reason));
  };
  ServerAddress address;
  const size_t hash = text.find('#');
  std::string_view base = text.substr(0, hash);
  if (hash != std::string_view::npos) address.model = text.substr(hash + 1);
  const size_t scheme = base.starts_with("http://") ? 7 : base.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return bad("is no http:// or https:// address");
  if (base.size() == scheme || base[scheme] == '/' || base[scheme] == ':') return bad("names no host");
  if (base.find('@') != std::string_view::npos) {
    text = "the address";  // which is not to be seen in a log
    return bad("holds a password; keys are taken from the environment");
  }
  while (base.ends_with('/')) base.remove_suffix(1);
  if (base.ends_with("/v1")) base.remove_suffix(3);
  address.base = base;
  return address;
}

class ServerSession;

struct ServerModel::Impl {
  ServerModelOptions options;
  HttpClient::Post post;
  Delay delay;
  std::unique_ptr<HttpClient> http;
  ServerDialect dialect = ServerDialect::kLlamaServer;
  Family family;
  std::optional<ChatTemplate> chat_template;
  std::vector<TokenId> close_tokens;
  std::vector<TokenId> end_tokens;
  std::string bos;  // empty: not put before prompts by the server
  size_t context_tokens = 0;
  int under_way = 0;
  bool cancelled = false;
  std::set<ServerSession*> sessions;
  uint64_t retries = 0;
  uint64_t surplus = 0;

  Status Probe();
  Status ReadProps(const Json& props);
  Status LoadTemplate(const std::string& source, const SpecialTokens& tokens);
  Result<size_t> CountTokens(const std::string& text, bool add_special) const;
  Result<TokenId> TokenOf(const std::string& text) const;
  std::string Url(const char* path) const { return options.address.base + path; }
};

Status ServerModel::Impl::LoadTemplate(const std::string& source, const SpecialTokens& tokens) {
  auto loaded = LoadFamily(options.family.empty() ? DetectFamily(source) : options.family);
  if (!loaded) return tl::unexpected(loaded.error());
  family = std::move(*loaded);
  auto parsed = ChatTemplate::Parse(source.empty() ? family.default_template : source, tokens);
  if (!parsed) {
    return Fail(parsed.error().code, fmt::format("{}: {}", options.address.base, parsed.error().message));
  }
  chat_template = std::move(*parsed);
  return {};
}

Result<size_t> ServerModel::Impl::CountTokens(const std::string& text, bool add_special) const {
  const auto answer =
      Fetch(Url("/tokenize"), Json{{"content", text}, {"add_special", add_special}}.dump(), options.http);
  if (!answer) return tl::unexpected(answer.error());
  const Json json = Json::parse(answer->second, nullptr, false);
  return json.is_object() && json.contains("tokens") ? json["tokens"].size() : size_t{0};
}

// llama-server's name of a token; -1 where the text is not one token.
Result<TokenId> ServerModel::Impl::TokenOf(const std::string& text) const {
  const auto answer =
      Fetch(Url("/tokenize"), Json{{"content", text}, {"parse_special", true}}.dump(), options.http);
  if (!answer) return tl::unexpected(answer.error());
  const Json json = Json::parse(answer->second, nullptr, false);
  if (!json.is_object() || !json.contains("tokens") || !json["tokens"].is_array() ||
      json["tokens"].size() != 1)
    return -1;
  return json["tokens"][0].is_number_integer() ? json["tokens"][0].get<TokenId>() : -1;
}

Status ServerModel::Impl::ReadProps(const Json& props) {
  const auto text_of = [&](const char* key) {
    return props.contains(key) && props[key].is_string() ? props[key].get<std::string>() : std::string();
  };
  bos = text_of("bos_token");
  if (auto status = LoadTemplate(text_of("chat_template"), {.bos = bos, .eos = text_of("eos_token")});
      !status) {
    return status;
  }
  const auto plain = CountTokens("a", false);
  const auto special = CountTokens("a", true);
  if (!plain) return tl::unexpected(plain.error());
  if (!special) return tl::unexpected(special.error());
  if (*special == *plain) bos.clear();
  if (props.contains("default_generation_settings")) {
    context_tokens = props["default_generation_settings"].value("n_ctx", size_t{0});
  }
  for (auto [texts, tokens] :
       {std::pair(&family.close_tokens, &close_tokens), std::pair(&family.end_tokens, &end_tokens)}) {
    for (const std::string& text : *texts) {
      const auto token = TokenOf(text);
      if (!token) return tl::unexpected(token.error());
      if (*token >= 0) tokens->push_back(*token);
    }
  }
  return {};
}

Status ServerModel::Impl::Probe() {
  const auto props = Fetch(Url("/props"), "", options.http);
  if (!props) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}; is the server up, and reachable from here?", props.error().message),
                /*retryable=*/true);
  }
  const Json json = Json::parse(props->second, nullptr, false);
  const bool is_llama =
      props->first == 200 && json.is_object() && json.contains("default_generation_settings");
  if (props->first == 503)
    return Fail(ErrorCode::kBackend, fmt::format("{}: {}", Url("/props"), ErrorText(props->second)));
  if (props->first == 401 || props->first == 403) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}: refused with status {}; set the key's environment variable", Url("/props"),
                            props->first));
  }
  if (options.dialect == "llama-server" || (options.dialect == "auto" && is_llama)) {
    if (!is_llama)
      return Fail(ErrorCode::kBackend, fmt::format("{}: is no llama-server", options.address.base));
    dialect = ServerDialect::kLlamaServer;
    return ReadProps(json);
  }
  dialect = options.dialect == "sglang" ? ServerDialect::kSglang : ServerDialect::kVllm;
  const auto models = Fetch(Url("/v1/models"), "", options.http);
  if (!models) return tl::unexpected(models.error());
  const Json list = Json::parse(models->second, nullptr, false);
  if (models->first != 200 || !list.is_object() || !list.contains("data") || !list["data"].is_array()) {
    return Fail(ErrorCode::kBackend, fmt::format("{}: status {}: {}", Url("/v1/models"), models->first,
                                                 ErrorText(models->second)));
  }
  std::string names;
  const Json* found = nullptr;
  for (const Json& model : list["data"]) {
    const std::string name = model.value("id", "");
    names += (names.empty() ? "" : ", ") + name;
    if (options.address.model.empty() ? list["data"].size() == 1 : name == options.address.model)
      found = &model;
  }
  if (found == nullptr) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}: serves {}, not \"{}\"; name one behind #",
                                                  options.address.base, names, options.address.model));
  }
  options.address.model = found->value("id", "");
  if (options.dialect == "auto" && found->value("owned_by", "") == "sglang") dialect = ServerDialect::kSglang;
  context_tokens = found->value("max_model_len", size_t{0});
  return LoadTemplate("", {});
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
  if (auto status = impl.Probe(); !status) return tl::unexpected(status.error());
  return model;
}

ServerModel::~ServerModel() = default;
const Family& ServerModel::family() const { return impl_->family; }
ServerDialect ServerModel::dialect() const { return impl_->dialect; }
size_t ServerModel::context_tokens() const { return impl_->context_tokens; }
bool ServerModel::busy() const { return impl_->under_way > 0; }
ServerModel::Counts ServerModel::counts() const {
  const auto totals = impl_->http->totals();
  return {.requests = totals.requests,
          .retries = impl_->retries,
          .bytes_sent = totals.bytes_sent,
          .bytes_received = totals.bytes_received,
          .surplus_tokens = impl_->surplus};
}

// The view is text: what the server tokenises anew for every request, with its cache to help. One stream a
// span: tokens are taken from it one by one, and where the span ends it is closed.
class ServerSession final : public Session {
 public:
  ServerSession(ServerModel::Impl& model, std::string prompt) : model_(model), view_(std::move(prompt)) {
    opened_ = view_.size();
    model_.sessions.insert(this);
  }
  ~ServerSession() override {
    Close();
    model_.sessions.erase(this);
  }
  void Cancel();

  void Generate(const DraftRequest& request, DraftDone done) override;
  void Rollback(size_t count) override;
  void Listen(std::span<const DraftToken> tokens) override;
  void EndListening() override {}
  void OpenAnswer(std::string_view thinking, std::string_view handover) override;
  size_t ContextLeft() const override { return SIZE_MAX / 4; }

 private:
  struct Asked {
    DraftRequest request;
    DraftDone done;
  };

  void Request();
  std::string Body() const;
  void OnData(std::string_view bytes);
  void OnEvent(std::string_view data);
  void OnEnd(const HttpClient::Ended& ended);
  void ReadLlama(const Json& event);
  void ReadOpenAi(const Json& event);
  void Take(std::string text, TokenId id, DraftToken::End end);
  void Retry(const std::string& reason, int64_t retry_after);
  void Fault(Error error);
  void Serve();
  void Close();

  ServerModel::Impl& model_;
  std::string view_;               // prompt and response so far
  size_t opened_ = 0;              // where the response begins
  std::vector<size_t> given_;      // bytes of the tokens given since the last Listen
  std::deque<DraftToken> buffer_;  // came, not given yet
  std::optional<Asked> asked_;
  std::unique_ptr<HttpClient::Exchange> exchange_;
  SseReader sse_;
  std::string error_body_;
  bool stream_ended_ = false;
  bool got_event_ = false;
  bool finished_ = false;  // the server said why it ended
  bool context_full_ = false;
  uint32_t tries_ = 0;
  std::optional<Error> fault_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

void ServerSession::Generate(const DraftRequest& request, DraftDone done) {
  asked_ = Asked{request, std::move(done)};
  tries_ = 0;
  if (exchange_ == nullptr && buffer_.empty()) return Request();
  Serve();
}

std::string ServerSession::Body() const {
  const ServerModelOptions& options = model_.options;
  const Sampling& sampling = options.sampling;
  const uint64_t parts[] = {asked_->request.position.stream, asked_->request.position.offset, tries_};
  const auto seed = static_cast<uint32_t>(HashParts(parts) & 0x7FFFFFFF);
  const uint32_t tokens = options.streams ? options.stream_tokens : asked_->request.tokens_max;
  // Bytes that are no UTF-8 (a character under way) cannot be told to a server; the loop never cuts there.
  Json body{{"prompt", Sanitize(view_)},
            {"stream", true},
            {"temperature", sampling.temperature},
            {"top_p", sampling.top_p},
            {"top_k", sampling.top_k},
            {"min_p", sampling.min_p},
            {"seed", seed}};
  if (model_.dialect == ServerDialect::kLlamaServer) {
    body["n_predict"] = tokens;
    body["return_tokens"] = true;
    body["cache_prompt"] = true;
    body["repeat_penalty"] = 1.0;
    body["samplers"] = {"temperature", "top_k", "top_p", "min_p"};
    return body.dump();
  }
  body["model"] = options.address.model;
  body["max_tokens"] = tokens;
  body["skip_special_tokens"] = false;
  body["add_special_tokens"] = false;
  body["repetition_penalty"] = 1.0;
  if (sampling.top_k == 0) body["top_k"] = -1;
  return body.dump();
}

void ServerSession::Cancel() {
  Close();
  if (!asked_) return;
  Fault({ErrorCode::kCancelled, "cancelled"});
  Serve();
}

void ServerSession::Request() {
  if (model_.cancelled) return Cancel();
  sse_ = {};
  error_body_.clear();
  stream_ended_ = got_event_ = finished_ = context_full_ = false;
  ++model_.under_way;
  const bool llama = model_.dialect == ServerDialect::kLlamaServer;
  exchange_ = model_.http->Start(
      {.url = model_.Url(llama ? "/completion" : "/v1/completions"), .body = Body()},
      [this](std::string_view bytes) { OnData(bytes); },
      [this](const HttpClient::Ended& ended) { OnEnd(ended); });
}

void ServerSession::Close() {
  if (exchange_ && !stream_ended_) --model_.under_way;
  exchange_.reset();
  model_.surplus += buffer_.size();
  buffer_.clear();
}

void ServerSession::Take(std::string text, TokenId id, DraftToken::End end) {
  buffer_.push_back({.id = id, .text = std::move(text), .end = end});
}

void ServerSession::ReadLlama(const Json& event) {
  const std::string text = event.value("content", "");
  TokenId id = -1;
  if (event.contains("tokens") && event["tokens"].is_array() && !event["tokens"].empty() &&
      event["tokens"].back().is_number_integer()) {
    id = event["tokens"].back().get<TokenId>();
  }
  const auto is_in = [id](const std::vector<TokenId>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  const bool stop = event.value("stop", false);
  if (id >= 0 && is_in(model_.close_tokens)) {
    Take(text, -1, DraftToken::End::kThinking);
  } else if (id >= 0 && is_in(model_.end_tokens)) {
    Take(text, -1, DraftToken::End::kSequence);
  } else if (!text.empty() || (id >= 0 && !stop)) {
    Take(text, -1, DraftToken::End::kNone);
  }
  if (!stop) return;
  finished_ = true;
  const std::string type = event.value("stop_type", "");
  if (type == "eos") Take("", -1, DraftToken::End::kSequence);
  context_full_ = event.value("truncated", false);
}

void ServerSession::ReadOpenAi(const Json& event) {
  if (!event.contains("choices") || !event["choices"].is_array() || event["choices"].empty()) return;
  const Json& choice = event["choices"][0];
  const std::string text =
      choice.contains("text") && choice["text"].is_string() ? choice["text"].get<std::string>() : "";
  if (!text.empty()) Take(text, -1, DraftToken::End::kNone);
  if (!choice.contains("finish_reason") || !choice["finish_reason"].is_string()) return;
  finished_ = true;
  const std::string reason = choice["finish_reason"].get<std::string>();
  if (reason == "stop") Take("", -1, DraftToken::End::kSequence);
  if (reason != "stop" && reason != "length") {
    Fault({ErrorCode::kBackend, fmt::format("the server ended with \"{}\"", reason), true});
  }
}

void ServerSession::OnEvent(std::string_view data) {
  if (data == "[DONE]" || fault_) return;
  const Json event = Json::parse(data, nullptr, false);
  if (!event.is_object())
    return Fault({ErrorCode::kBackend, "the server sent an event that is no JSON", true});
  if (event.contains("error")) return Fault({ErrorCode::kBackend, "server: " + ErrorText(data), true});
  got_event_ = true;
  try {
    if (model_.dialect == ServerDialect::kLlamaServer) {
      ReadLlama(event);
    } else {
      ReadOpenAi(event);
    }
  } catch (const Json::exception& error) {
    Fault({ErrorCode::kBackend, fmt::format("the server sent an event of another form: {}", error.what()),
           true});
  }
}

void ServerSession::OnData(std::string_view bytes) {
  if (!got_event_ && error_body_.size() < kErrorShown * 8) error_body_ += bytes;
  sse_.Push(bytes, [this](std::string_view data) { OnEvent(data); });
  if (sse_.open_bytes() > kEventMax)
    Fault({ErrorCode::kBackend, "the server sent an event without an end", true});
  Serve();
}

void ServerSession::OnEnd(const HttpClient::Ended& ended) {
  stream_ended_ = true;
  --model_.under_way;
  if (!asked_) {
    if (buffer_.empty()) exchange_.reset();
    return;
  }
  if (fault_ || !buffer_.empty()) return Serve();
  exchange_.reset();
  const std::string text = ended.error.empty() ? ErrorText(error_body_) : ended.error;
  if (ended.status == 200 && ended.error.empty() && (finished_ || got_event_)) return Serve();
  if (ended.status >= 400 && ended.status < 500 && ended.status != 408 && ended.status != 429) {
    if (IsContextError(text)) {
      context_full_ = finished_ = true;
      return Serve();
    }
    return Fault({ErrorCode::kBackend,
                  fmt::format("{}: status {}: {}", model_.options.address.base, ended.status, text), false}),
           Serve();
  }
  Retry(ended.status >= 400 ? fmt::format("status {}: {}", ended.status, text)
        : text.empty()      ? "the stream ended before it began"
                            : text,
        ended.retry_after);
}

void ServerSession::Retry(const std::string& reason, int64_t retry_after) {
  if (tries_ >= model_.options.retries_max) {
    Fault({ErrorCode::kBackend,
           fmt::format("{}: gave up after {} tries: {}", model_.options.address.base, tries_ + 1, reason),
           true});
    return Serve();
  }
  ++tries_;
  ++model_.retries;
  const int64_t pause = std::min(kPauseMaxMs, kPauseMs << std::min(tries_ - 1, 10U));
  // Between half of the pause and all of it, so that those who failed together do not come back together.
  const double jitter =
      0.5 + 0.5 * UniformAt(asked_->request.position.stream, tries_, asked_->request.position.offset);
  const int64_t wait = std::max<int64_t>(static_cast<int64_t>(static_cast<double>(pause) * jitter),
                                         retry_after > 0 ? retry_after * 1000 : 0);
  ++model_.under_way;
  model_.delay(wait, [this, model = &model_, alive = std::weak_ptr<int>(alive_)] {
    --model->under_way;
    if (alive.expired()) return;
    if (asked_ && exchange_ == nullptr) Request();
  });
}

void ServerSession::Fault(Error error) {
  if (!fault_) fault_ = std::move(error);
}

// Gives what has come, if somebody asked and there is something to give.
void ServerSession::Serve() {
  if (!asked_) return;
  const bool stream_is_over = exchange_ == nullptr || stream_ended_;
  if (buffer_.empty() && !fault_ && !stream_is_over) return;
  Draft draft;
  std::string text;
  while (!buffer_.empty() && draft.tokens.size() < asked_->request.tokens_max) {
    DraftToken token = std::move(buffer_.front());
    buffer_.pop_front();
    text += token.text;
    given_.push_back(token.text.size());
    view_ += token.text;
    const bool ends = token.end != DraftToken::End::kNone;
    draft.tokens.push_back(std::move(token));
    if (ends) break;
    const auto& stops = asked_->request.stop_texts;
    if (std::any_of(stops.begin(), stops.end(),
                    [&](const std::string& stop) { return text.find(stop) != std::string::npos; })) {
      break;
    }
  }
  if (draft.tokens.empty() && !fault_ && !context_full_ && finished_) {
    // The request's own limit: go on where it stands.
    exchange_.reset();
    return Request();
  }
  if (draft.tokens.empty() && !fault_ && !finished_) {
    exchange_.reset();
    return Retry("the stream broke off", -1);
  }
  draft.context_full = context_full_ && buffer_.empty();
  if (stream_is_over && buffer_.empty()) exchange_.reset();
  Result<Draft> result = std::move(draft);
  if (fault_ && result->tokens.empty()) {
    result = tl::unexpected<Error>(*std::exchange(fault_, std::nullopt));
    Close();
  }
  // Never inside the call that asked.
  model_.post([done = std::move(asked_->done), result = std::move(result),
               alive = std::weak_ptr<int>(alive_)]() mutable {
    if (!alive.expired()) done(std::move(result));
  });
  asked_.reset();
}

void ServerSession::Rollback(size_t count) {
  Close();
  for (; count > 0 && !given_.empty(); --count) {
    view_.resize(view_.size() - given_.back());
    given_.pop_back();
  }
}

void ServerSession::Listen(std::span<const DraftToken> tokens) {
  Close();
  given_.clear();
  for (const DraftToken& token : tokens) view_ += token.text;
}

void ServerSession::OpenAnswer(std::string_view thinking, std::string_view handover) {
  Close();
  given_.clear();
  view_.resize(opened_);
  view_ += thinking;
  view_ += handover;
}

void ServerModel::Cancel() {
  impl_->cancelled = true;
  for (ServerSession* session : impl_->sessions) session->Cancel();
}

Result<std::unique_ptr<Session>> ServerModel::Open(std::span<const Message> messages) {
  auto parts =
      RenderOpenThinking(*impl_->chat_template, impl_->family, messages, impl_->options.template_options);
  if (!parts) return tl::unexpected(parts.error());
  std::string prompt = JoinParts(*parts);
  // The server puts it there itself.
  if (impl_->dialect == ServerDialect::kLlamaServer && !impl_->bos.empty() &&
      prompt.starts_with(impl_->bos)) {
    prompt.erase(0, impl_->bos.size());
  }
  return std::make_unique<ServerSession>(*impl_, std::move(prompt));
}

}  // namespace tessy
