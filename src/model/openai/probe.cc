#include "model/openai/probe.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace tessy {
namespace {

using Json = nlohmann::json;
using Answer = std::pair<int, std::string>;

constexpr auto kLoadingPause = std::chrono::milliseconds(500);

class Prober {
 public:
  Prober(const ServerAddress& address, const HttpOptions& http, int connect_seconds)
      : address_(address), http_(http), connect_seconds_(connect_seconds) {}

  Result<Answer> Get(const char* path) const {
    return Fetch({.url = address_.base + path, .connect_seconds = connect_seconds_}, http_);
  }
  // Waits while the server says that it is not ready.
  Result<Answer> GetWhenReady(const char* path, int loading_seconds) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(loading_seconds);
    for (bool said = false;; said = true) {
      auto answer = Get(path);
      if (!answer || answer->first != 503 || std::chrono::steady_clock::now() >= until) return answer;
      if (!said) spdlog::warn("{}: {}; waiting for it", address_.base, ServerErrorText(answer->second));
      std::this_thread::sleep_for(kLoadingPause);
    }
  }
  Status Refused(const char* path, const Answer& answer) const {
    const bool key = answer.first == 401 || answer.first == 403;
    return Fail(ErrorCode::kBackend,
                fmt::format("{}{}: status {}: {}{}", address_.base, path, answer.first,
                            ServerErrorText(answer.second),
                            key ? "; set the key in TESSY_API_KEY, or in the variable of its role" : ""));
  }
  Result<ServerIdentity> ReadProps(const Json& props) const;
  Result<ServerIdentity> ReadModels(const std::string& dialect) const;

 private:
  const ServerAddress& address_;
  const HttpOptions& http_;
  int connect_seconds_;
};

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

size_t NumberOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<size_t>() : 0;
}

Result<Json> ParseAnswer(const std::string& url, const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (json.is_object()) return json;
  return Fail(ErrorCode::kBackend, fmt::format("{}: did not answer in JSON", url));
}

Result<ServerIdentity> Prober::ReadProps(const Json& props) const {
  ServerIdentity identity{.dialect = ServerDialect::kLlamaServer, .model = {}};
  identity.chat_template = TextOf(props, "chat_template");
  identity.bos = TextOf(props, "bos_token");
  identity.eos = TextOf(props, "eos_token");
  if (const auto& settings = props["default_generation_settings"]; settings.is_object()) {
    identity.context_tokens = NumberOf(settings, "n_ctx");
  }
  const auto tokenize = [&](bool special) {
    return Fetch(
        {.url = address_.base + "/tokenize", .body = Json{{"content", "a"}, {"add_special", special}}.dump()},
        http_);
  };
  const auto plain = tokenize(false);
  const auto special = tokenize(true);
  if (!plain) return tl::unexpected(plain.error());
  if (!special) return tl::unexpected(special.error());
  if (plain->second == special->second) identity.bos.clear();
  const auto models = Get("/v1/models");
  if (!models) return tl::unexpected(models.error());
  const Json list = Json::parse(models->second, nullptr, false);
  if (list.is_object() && list.contains("data") && list["data"].is_array() && !list["data"].empty() &&
      list["data"][0].is_object() && list["data"][0].contains("meta") &&
      list["data"][0]["meta"].is_object()) {
    identity.vocabulary_size = NumberOf(list["data"][0]["meta"], "n_vocab");
  }
  return identity;
}

Result<ServerIdentity> Prober::ReadModels(const std::string& dialect) const {
  const auto models = Get("/v1/models");
  if (!models) return tl::unexpected(models.error());
  if (models->first != 200) return tl::unexpected(Refused("/v1/models", *models).error());
  const auto list = ParseAnswer(address_.base + "/v1/models", models->second);
  if (!list) return tl::unexpected(list.error());
  const auto data = list->find("data");
  if (data == list->end() || !data->is_array()) {
    return Fail(ErrorCode::kBackend, fmt::format("{}/v1/models: lists no models", address_.base));
  }
  std::string names;
  const Json* found = nullptr;
  for (const Json& model : *data) {
    if (!model.is_object()) continue;
    const std::string name = TextOf(model, "id");
    names += (names.empty() ? "" : ", ") + name;
    if (address_.model.empty() ? data->size() == 1 : name == address_.model) found = &model;
  }
  if (found == nullptr) {
    return Fail(ErrorCode::kNotFound, fmt::format("{}: serves {}, not \"{}\"; name one behind #",
                                                  address_.base, names, address_.model));
  }
  ServerIdentity identity{.dialect = ServerDialect::kVllm, .model = TextOf(*found, "id")};
  const bool sglang = dialect == "sglang" || (dialect == "auto" && TextOf(*found, "owned_by") == "sglang");
  if (sglang) identity.dialect = ServerDialect::kSglang;
  identity.context_tokens = NumberOf(*found, "max_model_len");
  return identity;
}

}  // namespace

Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int loading_seconds) {
  const Prober prober(address, http, connect_seconds);
  const auto props = prober.GetWhenReady("/props", loading_seconds);
  if (!props) {
    return Fail(ErrorCode::kBackend,
                fmt::format("{}; is the server up, and reachable from here?", props.error().message),
                /*retryable=*/true);
  }
  if (props->first == 401 || props->first == 403 || props->first == 503) {
    return tl::unexpected(prober.Refused("/props", *props).error());
  }
  const Json json = Json::parse(props->second, nullptr, false);
  const bool is_llama =
      props->first == 200 && json.is_object() && json.contains("default_generation_settings");
  if (dialect == "llama-server" && !is_llama) {
    return Fail(ErrorCode::kBackend, fmt::format("{}: is no llama-server", address.base));
  }
  if (is_llama && (dialect == "auto" || dialect == "llama-server")) return prober.ReadProps(json);
  return prober.ReadModels(dialect);
}

bool SaysThatItServes(const std::string& answer, const std::string& model, const std::string& chat_template) {
  const Json json = Json::parse(answer, nullptr, false);
  if (!json.is_object()) return false;
  if (model.empty()) return TextOf(json, "chat_template") == chat_template;
  const auto data = json.find("data");
  return data != json.end() && data->is_array() &&
         std::any_of(data->begin(), data->end(),
                     [&](const Json& entry) { return entry.is_object() && TextOf(entry, "id") == model; });
}

Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup) {
  const Json body = identity.dialect == ServerDialect::kLlamaServer
                        ? Json{{"content", text}, {"add_special", false}, {"parse_special", markup}}
                        : Json{{"model", identity.model}, {"prompt", text}, {"add_special_tokens", false}};
  const auto answer = Fetch({.url = address.base + "/tokenize", .body = body.dump()}, http);
  if (!answer) return tl::unexpected(answer.error());
  const Json json = Json::parse(answer->second, nullptr, false);
  if (answer->first != 200 || !json.is_object() || !json.contains("tokens") || !json["tokens"].is_array()) {
    return std::optional<std::vector<TokenId>>();
  }
  std::vector<TokenId> tokens;
  for (const Json& token : json["tokens"]) {
    if (token.is_number_integer()) tokens.push_back(token.get<TokenId>());
  }
  return std::optional(std::move(tokens));
}

Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens) {
  Json body{{"tokens", tokens}};
  if (identity.dialect != ServerDialect::kLlamaServer) body["model"] = identity.model;
  const auto answer = Fetch({.url = address.base + "/detokenize", .body = body.dump()}, http);
  if (!answer) return tl::unexpected(answer.error());
  const Json json = Json::parse(answer->second, nullptr, false);
  const char* key = identity.dialect == ServerDialect::kLlamaServer ? "content" : "prompt";
  if (answer->first != 200 || !json.is_object() || TextOf(json, key).empty())
    return std::optional<std::string>();
  return std::optional(TextOf(json, key));
}

}  // namespace tessy
