#include "model/openai/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "model/openai/completion.h"
#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using Answer = std::pair<int, std::string>;

using Clock = std::chrono::steady_clock;

constexpr size_t kContextMax = 1U << 30;  // what is more is no context
constexpr auto kLoadingPause = std::chrono::milliseconds(500);

Error Refused(const std::string& url, const Answer& answer) {
  const bool key = answer.first == 401 || answer.first == 403;
  return {.code = ErrorCode::kBackend,
          .message = fmt::format("{}: status {}: {}{}", url, answer.first, ServerErrorText(answer.second),
                                 key ? "; set the key in TESSY_API_KEY, or in the variable of its role" : ""),
          .retryable = IsNotReady(answer.first)};
}

// Until `until` a server may say that it is not ready, and is asked again.
Result<Answer> AskPatiently(const HttpRequest& request, const HttpOptions& http, Clock::time_point until) {
  for (bool said = false;; said = true) {
    auto answer = Fetch(request, http);
    if (!answer || !IsNotReady(answer->first) || Clock::now() >= until) return answer;
    if (!said) {
      spdlog::warn("{}: status {}: {}; waiting for it", request.url, answer->first,
                   ServerErrorText(answer->second));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(kLoadingPause, until - Clock::now()));
  }
}

// The questions of one probe.
struct Probe {
  const ServerAddress& address;
  const HttpOptions& http;
  int connect_seconds;
  Clock::time_point until;

  std::string Url(std::string_view path) const { return address.base + std::string(path); }

  Result<Answer> Ask(const HttpRequest& request) const { return AskPatiently(request, http, until); }
  Result<Answer> Get(std::string_view path) const {
    return Ask({.url = Url(path), .connect_seconds = connect_seconds});
  }
  Result<Json> GetObject(std::string_view path) const {
    const auto answer = Get(path);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->first != 200) return tl::unexpected(Refused(Url(path), *answer));
    Json json = ParseServerJson(answer->second);
    if (json.is_object()) return json;
    return Fail(ErrorCode::kBackend, fmt::format("{}: did not answer in JSON", Url(path)));
  }
  Result<std::string> Post(std::string_view path, const Json& body) const {
    auto answer = Ask({.url = Url(path), .body = body.dump(), .connect_seconds = connect_seconds});
    if (!answer) return tl::unexpected(answer.error());
    if (answer->first == 200) return std::move(answer->second);
    if (answer->first == 404 || answer->first == 405 || answer->first == 501) return std::string();
    return tl::unexpected(Refused(Url(path), *answer));
  }
};

// The object that the server answers, or null where it answers anything else: a dialect or a version that
// has no such call.
Result<Json> PostFor(const std::string& url, const Json& body, const HttpOptions& http, int64_t loading_ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(loading_ms);
  const auto answer = AskPatiently({.url = url, .body = body.dump()}, http, until);
  if (!answer) return tl::unexpected(answer.error());
  if (IsNotReady(answer->first)) return tl::unexpected(Refused(url, *answer));
  Json json = ParseServerJson(answer->second);
  return answer->first == 200 && json.is_object() ? json : Json();
}

}  // namespace

Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int64_t loading_ms) {
  const ServerDialect* chosen = FindDialect(dialect);
  if (chosen == nullptr && dialect != "auto") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is no dialect of servers; there are auto, {}",
                                                         dialect, fmt::join(DialectNames(), ", ")));
  }
  const Probe probe{.address = address,
                    .http = http,
                    .connect_seconds = connect_seconds,
                    .until = Clock::now() + std::chrono::milliseconds(loading_ms)};
  const auto answer = probe.Get("/props");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->first == 401 || answer->first == 403 || IsNotReady(answer->first)) {
    return tl::unexpected(Refused(probe.Url("/props"), *answer));
  }
  Json props = ParseServerJson(answer->second);
  if (answer->first != 200 || !props.is_object()) props = Json();
  const Result<Json> models = probe.GetObject("/v1/models");
  const ServerAnswers answers{
      .address = address,
      .props = props,
      .models = models,
      .get = [&](std::string_view path) { return probe.GetObject(path); },
      .post = [&](std::string_view path, const Json& body) { return probe.Post(path, body); }};
  for (const ServerDialect* row : ServerDialects()) {
    if (chosen == nullptr && row->recognises(answers)) chosen = row;
  }
  if (chosen == nullptr) {
    return Fail(ErrorCode::kBackend, fmt::format("{}: is no server of a dialect known here ({})",
                                                 address.base, fmt::join(DialectNames(), ", ")));
  }
  auto identity = chosen->identify(answers);
  if (!identity) return identity;
  identity->dialect = chosen;
  identity->context_tokens = std::min(identity->context_tokens, kContextMax);
  return identity;
}

Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup, int64_t loading_ms) {
  const auto answer = PostFor(address.base + "/tokenize",
                              identity.dialect->tokenize_body(identity, text, markup), http, loading_ms);
  if (!answer) return tl::unexpected(answer.error());
  const Json* tokens = answer->is_object() ? Member(*answer, "tokens") : nullptr;
  if (tokens == nullptr || !tokens->is_array()) return std::optional<std::vector<TokenId>>();
  return std::optional(IdsOf(*answer, "tokens"));
}

Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens,
                                                      int64_t loading_ms) {
  const ServerDialect& dialect = *identity.dialect;
  const auto answer =
      PostFor(address.base + "/detokenize", dialect.detokenize_body(identity, tokens), http, loading_ms);
  if (!answer) return tl::unexpected(answer.error());
  std::string text = answer->is_object() ? TextOf(*answer, dialect.detokenized_field) : "";
  if (text.empty()) return std::optional<std::string>();
  return std::optional(std::move(text));
}

}  // namespace tessy
