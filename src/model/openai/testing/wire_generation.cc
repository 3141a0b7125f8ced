#include "model/openai/testing/wire_generation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/utf8.h"

namespace tessy {

using Json = nlohmann::json;

namespace {

std::string Escaped(std::string_view text) {
  const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string_view TypeOf(WireDialect dialect, int status) {
  const bool llama = dialect == WireDialect::kLlamaServer;
  switch (status) {
    case 400:
      return llama ? "invalid_request_error" : "BadRequestError";
    case 401:
      return llama ? "authentication_error" : "Unauthorized";
    case 404:
      return llama ? "not_found_error" : "NotFoundError";
    case 503:
      return llama ? "unavailable_error" : "ServiceUnavailable";
    default:
      return llama ? "server_error" : "InternalServerError";
  }
}

// Ids of a prompt that is a text, a list of ids, or such a list in a list.
std::optional<std::vector<int32_t>> PromptIds(const WireVocabulary& vocabulary, const Json& prompt) {
  if (prompt.is_string()) return vocabulary.Tokenize(prompt.get<std::string>(), true);
  if (prompt.is_array() && prompt.size() == 1 && (prompt[0].is_array() || prompt[0].is_string()))
    return PromptIds(vocabulary, prompt[0]);
  if (!prompt.is_array() || prompt.empty()) return std::nullopt;
  std::vector<int32_t> ids;
  for (const Json& id : prompt) {
    if (!id.is_number_integer() || vocabulary.Spelling(id.get<int32_t>()).empty()) return std::nullopt;
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// What vLLM says of a prompt and a limit that its context does not hold; none if it does.
std::optional<std::string> VllmContextError(const WireGeneration::Server& server, size_t prompt,
                                            size_t limit) {
  const size_t context = server.context_tokens;
  if (limit == 0 || (prompt == context && !server.refuses_beyond_context))
    return "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)";
  if (prompt > context) {
    return fmt::format(
        "This model's maximum context length is {} tokens. However, your prompt contains {} input tokens, "
        "which "
        "exceeds this limit even without any output tokens. Please reduce the length of the input prompt. "
        "(parameter=input_tokens, value={})",
        context, prompt, prompt);
  }
  if (!server.refuses_beyond_context || prompt + limit <= context) return std::nullopt;
  return fmt::format(
      "This model's maximum context length is {} tokens. However, you requested {} tokens ({} in the "
      "messages, {} "
      "in the completion). Please reduce the length of the messages or completion.",
      context, prompt + limit, prompt, limit);
}

template <class T>
T Field(const Json& json, const char* key, T otherwise) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  if constexpr (std::is_same_v<T, bool>) return found->is_boolean() ? found->get<bool>() : otherwise;
  if constexpr (std::is_integral_v<T>) return found->is_number_integer() ? found->get<T>() : otherwise;
  return otherwise;
}

}  // namespace

WireError MakeWireError(WireDialect dialect, int status, std::string_view message) {
  const bool context = message.find("context size") != std::string_view::npos;
  if (dialect == WireDialect::kLlamaServer) {
    const std::string_view type = context ? "exceed_context_size_error" : TypeOf(dialect, status);
    return {status, Json{{"error", {{"code", status}, {"message", message}, {"type", type}}}}.dump()};
  }
  if (status == 401) return {status, Json{{"error", "Unauthorized"}}.dump()};
  return {
      status,
      Json{{"error",
            {{"message", message}, {"type", TypeOf(dialect, status)}, {"param", nullptr}, {"code", status}}}}
          .dump()};
}

std::optional<WireGeneration> WireGeneration::Begin(const Server& server, const Json& request,
                                                    std::string_view model, uint64_t number,
                                                    WireError* error) {
  const bool llama = server.dialect == WireDialect::kLlamaServer;
  const auto ids = request.contains("prompt") ? PromptIds(*server.vocabulary, request["prompt"])
                                              : std::optional<std::vector<int32_t>>();
  if (!ids || ids->empty()) {
    *error = MakeWireError(server.dialect, 400,
                           llama ? "\"prompt\" must be a string or an array of token ids"
                                 : "Either prompt or prompt_embeds must be provided and non-empty.");
    return std::nullopt;
  }
  const int64_t asked =
      llama ? Field<int64_t>(request, "n_predict", -1) : Field<int64_t>(request, "max_tokens", 16);
  const auto limit = static_cast<size_t>(asked < 0 ? INT32_MAX : asked);
  const size_t context = server.context_tokens;
  if (llama && ids->size() >= context) {
    *error = MakeWireError(
        server.dialect, 400,
        fmt::format("request ({} tokens) exceeds the available context size ({} tokens), try increasing it",
                    ids->size(), context));
    return std::nullopt;
  }
  if (!llama) {
    if (auto refusal = VllmContextError(server, ids->size(), limit)) {
      *error = MakeWireError(server.dialect, 400, *refusal);
      return std::nullopt;
    }
  }
  const std::string prompt = server.vocabulary->Text(*ids);
  const size_t opener = prompt.rfind(server.thinking_opener);
  const size_t begin = opener == std::string::npos ? std::min(prompt.find('\n'), prompt.size() - 1) + 1
                                                   : opener + server.thinking_opener.size();
  WireGeneration made(
      server, WireText(*server.vocabulary, server.text, model, std::string_view(prompt).substr(0, begin),
                       std::string_view(prompt).substr(begin)));
  made.model_ = model;
  made.number_ = number;
  made.streams_ = Field(request, "stream", false);
  made.returns_ids_ = Field(request, llama ? "return_tokens" : "return_token_ids", false);
  made.tokens_max_ = std::min(limit, context - ids->size());
  made.cut_by_context_ = made.tokens_max_ < limit;
  if (const auto stop = request.find("stop"); stop != request.end()) {
    if (stop->is_string()) made.stops_.push_back(stop->get<std::string>());
    for (const Json& text : stop->is_array() ? *stop : Json::array()) {
      if (text.is_string() && !text.get<std::string>().empty())
        made.stops_.push_back(text.get<std::string>());
    }
  }
  if (const auto stop = request.find("stop_token_ids"); stop != request.end() && stop->is_array()) {
    for (const Json& id : *stop) {
      if (id.is_number_integer()) made.stop_ids_.push_back(id.get<int32_t>());
    }
  }
  made.prompt_tokens_ = ids->size();
  if (made.returns_ids_ && !llama) made.prompt_ids_ = *ids;
  return made;
}

void WireGeneration::Add(int32_t id) {
  ++made_;
  fresh_ids_.push_back(id);
  if (server_.vocabulary->EndsGeneration(id)) {
    finish_ = Finish::kEnd;
    return;
  }
  if (std::find(stop_ids_.begin(), stop_ids_.end(), id) != stop_ids_.end()) {
    finish_ = Finish::kStop;
    stop_reason_ = std::to_string(id);
    return;
  }
  held_ += server_.vocabulary->Spelling(id);
  for (const std::string& stop : stops_) {
    const size_t found = held_.find(stop);
    if (found == std::string::npos) continue;
    held_.resize(found);
    finish_ = Finish::kStop;
    stop_reason_ = Json(stop).dump();
    return;
  }
  if (made_ >= tokens_max_) finish_ = Finish::kLength;
}

// Moves to `fresh_` what may be told: whole characters that are not the beginning of a stop text.
void WireGeneration::Release() {
  // What a limit leaves unfinished never comes as text.
  const bool unfinished = finish_ == Finish::kNone || finish_ == Finish::kLength || finish_ == Finish::kAbort;
  size_t keep = unfinished ? IncompleteTail(held_) : 0;
  if (finish_ == Finish::kNone) {
    for (const std::string& stop : stops_) {
      for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
        if (held_.ends_with(std::string_view(stop).substr(0, n))) keep = n;
      }
    }
  }
  fresh_ += held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
}

bool WireGeneration::Step() {
  const uint32_t count = streams_ && dialect_ == WireDialect::kVllm ? server_.tokens_an_event : 1;
  if (tokens_max_ == 0) finish_ = Finish::kLength;
  for (uint32_t i = 0; i < count && finish_ == Finish::kNone; ++i) Add(text_.Next());
  Release();
  if (!streams_) {
    whole_ += std::exchange(fresh_, {});
    whole_ids_.insert(whole_ids_.end(), fresh_ids_.begin(), fresh_ids_.end());
    fresh_ids_.clear();
    return over();
  }
  // llama-server says nothing of a token that ends inside a character; vLLM tells its id.
  return over() || !fresh_.empty() || dialect_ == WireDialect::kVllm;
}

void WireGeneration::EndWith(Finish finish) {
  finish_ = finish;
  Release();
  if (!streams_) whole_ += std::exchange(fresh_, {});
}

namespace {

std::string_view ReasonOf(WireGeneration::Finish finish, bool llama) {
  switch (finish) {
    case WireGeneration::Finish::kNone:
      return "";
    case WireGeneration::Finish::kEnd:
      return llama ? "eos" : "stop";
    case WireGeneration::Finish::kLength:
      return llama ? "limit" : "length";
    case WireGeneration::Finish::kStop:
      return llama ? "word" : "stop";
    case WireGeneration::Finish::kAbort:
      return llama ? "none" : "abort";
  }
  return "";
}

}  // namespace

std::string WireGeneration::EventOf(std::string_view escaped_text, const std::vector<int32_t>& ids,
                                    bool last) const {
  if (dialect_ == WireDialect::kLlamaServer) {
    return fmt::format(
        "data: {{\"index\":0,\"content\":\"{}\",\"tokens\":[{}],\"stop\":false,\"id_slot\":-1,"
        "\"tokens_predicted\":{},\"tokens_evaluated\":{}}}\n\n",
        escaped_text, fmt::join(ids, ","), made_, prompt_tokens_);
  }
  std::string id_fields = ",\"prompt_token_ids\":null,\"token_ids\":null";
  if (returns_ids_) {
    id_fields =
        fmt::format(",\"prompt_token_ids\":{},\"token_ids\":[{}]",
                    first_event_ ? fmt::format("[{}]", fmt::join(prompt_ids_, ",")) : std::string("null"),
                    fmt::join(ids, ","));
  }
  return fmt::format(
      "data: {{\"id\":\"cmpl-{}\",\"object\":\"text_completion\",\"created\":1700000000,\"model\":\"{}\","
      "\"choices\":[{{\"index\":0,\"text\":\"{}\",\"logprobs\":null,\"finish_reason\":{},\"stop_reason\":{}{}"
      "}}],"
      "\"usage\":null}}\n\n",
      number_, Escaped(model_), escaped_text,
      last ? fmt::format("\"{}\"", ReasonOf(finish_, false)) : std::string("null"),
      last ? stop_reason_ : std::string("null"), id_fields);
}

std::string WireGeneration::FinalLlamaEvent() const {
  const Json event{{"index", 0},
                   {"content", ""},
                   {"tokens", Json::array()},
                   {"id_slot", -1},
                   {"stop", true},
                   {"model", model_},
                   {"tokens_predicted", made_},
                   {"tokens_evaluated", prompt_tokens_},
                   {"truncated", finish_ == Finish::kLength && cut_by_context_},
                   {"stop_type", ReasonOf(finish_, true)},
                   {"stopping_word", finish_ == Finish::kStop ? Json::parse(stop_reason_) : Json("")}};
  return "data: " + event.dump() + "\n\n";
}

std::string WireGeneration::Events() {
  std::string events;
  if (dialect_ == WireDialect::kLlamaServer) {
    // If several tokens make one character, llama-server sends the id of the last alone.
    if (fresh_ids_.size() > 1) fresh_ids_.erase(fresh_ids_.begin(), fresh_ids_.end() - 1);
    if (!fresh_.empty() || !fresh_ids_.empty()) events = EventOf(Escaped(fresh_), fresh_ids_, false);
    if (over()) events += FinalLlamaEvent();
  } else {
    events = EventOf(Escaped(fresh_), fresh_ids_, over());
  }
  fresh_.clear();
  fresh_ids_.clear();
  first_event_ = false;
  return events;
}

std::string WireGeneration::Whole() const {
  if (dialect_ == WireDialect::kLlamaServer) {
    Json body = Json::parse(FinalLlamaEvent().substr(6));
    body["content"] = Sanitize(whole_);
    if (returns_ids_) body["tokens"] = whole_ids_;
    return body.dump();
  }
  Json choice{{"index", 0},
              {"text", Sanitize(whole_)},
              {"logprobs", nullptr},
              {"finish_reason", ReasonOf(finish_, false)},
              {"stop_reason", Json::parse(stop_reason_)}};
  if (returns_ids_) {
    choice["token_ids"] = whole_ids_;
    choice["prompt_token_ids"] = prompt_ids_;
  }
  const Json body{{"id", fmt::format("cmpl-{}", number_)},
                  {"object", "text_completion"},
                  {"created", 1700000000},
                  {"model", model_},
                  {"choices", Json::array({choice})},
                  {"usage",
                   {{"prompt_tokens", prompt_tokens_},
                    {"completion_tokens", made_},
                    {"total_tokens", prompt_tokens_ + made_}}}};
  return body.dump();
}

}  // namespace tessy
