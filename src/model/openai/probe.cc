#include "model/openai/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <thread>
#include <utility>

#include "model/openai/completion.h"
#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;
using Answer = std::pair<int, std::string>;

constexpr auto kLoadingPause = std::chrono::milliseconds(500);

Error Unreachable(const Error& error) {
  return {.code = ErrorCode::kBackend,
          .message = fmt::format("{}; is the server up, and reachable from here?", error.message),
          .retryable = true};
}

Error Refused(const std::string& url, const Answer& answer) {
  const bool key = answer.first == 401 || answer.first == 403;
  return {
      .code = ErrorCode::kBackend,
      .message = fmt::format("{}: status {}: {}{}", url, answer.first, ServerErrorText(answer.second),
                             key ? "; set the key in TESSY_API_KEY, or in the variable of its role" : "")};
}

// GET, repeated while the server says that it is not ready.
Result<Answer> FetchWhenReady(const HttpRequest& request, const HttpOptions& http, int loading_seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(loading_seconds);
  for (bool said = false;; said = true) {
    auto answer = Fetch(request, http);
    if (!answer || answer->first != 503 || std::chrono::steady_clock::now() >= until) return answer;
    if (!said) spdlog::warn("{}: {}; waiting for it", request.url, ServerErrorText(answer->second));
    std::this_thread::sleep_for(kLoadingPause);
  }
}

// The object that the server answers, or null where it answers anything else: a dialect or a version that
// has no such call.
Result<Json> PostFor(const std::string& url, const Json& body, const HttpOptions& http) {
  const auto answer = Fetch({.url = url, .body = body.dump()}, http);
  if (!answer) return tl::unexpected(answer.error());
  Json json = Json::parse(answer->second, nullptr, false);
  return answer->first == 200 && json.is_object() ? json : Json();
}

}  // namespace

Result<Json> FetchModels(const ServerAddress& address, const HttpOptions& http, int connect_seconds) {
  const std::string url = address.base + "/v1/models";
  const auto answer = Fetch({.url = url, .connect_seconds = connect_seconds}, http);
  if (!answer) return tl::unexpected(Unreachable(answer.error()));
  if (answer->first != 200) return tl::unexpected(Refused(url, *answer));
  Json json = Json::parse(answer->second, nullptr, false);
  if (json.is_object()) return json;
  return Fail(ErrorCode::kBackend, fmt::format("{}: did not answer in JSON", url));
}

Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int loading_seconds) {
  const ServerDialect* chosen = FindDialect(dialect);
  if (chosen == nullptr && dialect != "auto") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: is no dialect of servers; there are auto, {}",
                                                         dialect, fmt::join(DialectNames(), ", ")));
  }
  const std::string url = address.base + "/props";
  const auto answer = FetchWhenReady({.url = url, .connect_seconds = connect_seconds}, http, loading_seconds);
  if (!answer) return tl::unexpected(Unreachable(answer.error()));
  if (answer->first == 401 || answer->first == 403 || answer->first == 503) {
    return tl::unexpected(Refused(url, *answer));
  }
  Json props = Json::parse(answer->second, nullptr, false);
  if (answer->first != 200 || !props.is_object()) props = Json();
  const Result<Json> models = FetchModels(address, http, connect_seconds);
  const ServerAnswers answers{.address = address,
                              .props = props,
                              .models = models,
                              .post = [&](std::string_view path, const Json& body) -> Result<std::string> {
                                const auto said = Fetch(
                                    {.url = address.base + std::string(path), .body = body.dump()}, http);
                                if (!said) return tl::unexpected(said.error());
                                return said->second;
                              }};
  for (const ServerDialect* row : ServerDialects()) {
    if (chosen == nullptr && row->recognises(answers)) chosen = row;
  }
  if (chosen == nullptr) {
    return Fail(ErrorCode::kBackend, fmt::format("{}: is no server of a dialect known here ({})",
                                                 address.base, fmt::join(DialectNames(), ", ")));
  }
  auto identity = chosen->identify(answers);
  if (identity) identity->dialect = chosen;
  return identity;
}

Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup) {
  const auto answer =
      PostFor(address.base + "/tokenize", identity.dialect->tokenize_body(identity, text, markup), http);
  if (!answer) return tl::unexpected(answer.error());
  const Json* tokens = answer->is_object() ? Member(*answer, "tokens") : nullptr;
  if (tokens == nullptr || !tokens->is_array()) return std::optional<std::vector<TokenId>>();
  return std::optional(IdsOf(*answer, "tokens"));
}

Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens) {
  const ServerDialect& dialect = *identity.dialect;
  const auto answer = PostFor(address.base + "/detokenize", dialect.detokenize_body(identity, tokens), http);
  if (!answer) return tl::unexpected(answer.error());
  std::string text =
      answer->is_object() ? TextOf(*answer, std::string(dialect.detokenized_field).c_str()) : "";
  if (text.empty()) return std::optional<std::string>();
  return std::optional(std::move(text));
}

}  // namespace tessy
