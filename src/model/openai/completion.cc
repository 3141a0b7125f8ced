#include "model/openai/completion.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

constexpr size_t kErrorShown = 200;
constexpr int kNumberWidth = 10;  // of numbers that change from request to request, blanks before them

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
}

const Json* Member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string TextOf(const Json& object, const char* key) {
  const Json* value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

void TakeIds(const Json& object, const char* key, std::vector<TokenId>& ids) {
  const Json* value = Member(object, key);
  if (value == nullptr || !value->is_array()) return;
  for (const Json& id : *value) {
    if (id.is_number_integer()) ids.push_back(id.get<TokenId>());
  }
}

CompletionEvent ReadLlama(const Json& json) {
  CompletionEvent event;
  event.text = TextOf(json, "content");
  TakeIds(json, "tokens", event.ids);
  if (const Json* count = Member(json, "tokens_predicted"); count != nullptr && count->is_number_integer()) {
    event.tokens_so_far = count->get<int64_t>();
  }
  const Json* stop = Member(json, "stop");
  if (stop == nullptr || !stop->is_boolean() || !stop->get<bool>()) return event;
  const std::string type = TextOf(json, "stop_type");
  const Json* truncated = Member(json, "truncated");
  const bool full = truncated != nullptr && truncated->is_boolean() && truncated->get<bool>();
  event.end = full              ? CompletionEvent::End::kContext
              : type == "limit" ? CompletionEvent::End::kLimit
              : type == "none"  ? CompletionEvent::End::kOther
                                : CompletionEvent::End::kSequence;
  event.end_name = type;
  return event;
}

CompletionEvent ReadOpenAi(const Json& json) {
  CompletionEvent event;
  const Json* choices = Member(json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return event;  // usage alone
  const Json& choice = choices->front();
  if (!choice.is_object()) return event;
  event.text = TextOf(choice, "text");
  TakeIds(choice, "token_ids", event.ids);
  const std::string reason = TextOf(choice, "finish_reason");
  if (reason.empty()) return event;
  event.end = reason == "stop"     ? CompletionEvent::End::kSequence
              : reason == "length" ? CompletionEvent::End::kLimit
                                   : CompletionEvent::End::kOther;
  event.end_name = reason;
  return event;
}

}  // namespace

std::string_view Name(ServerDialect dialect) {
  constexpr std::string_view kNames[] = {"llama-server", "vllm", "sglang"};
  return kNames[static_cast<size_t>(dialect)];
}

std::string_view CompletionPath(ServerDialect dialect) {
  return dialect == ServerDialect::kLlamaServer ? "/completion" : "/v1/completions";
}

CompletionBody::CompletionBody(const Form& form) {
  const bool llama = form.dialect == ServerDialect::kLlamaServer;
  Json head{{"stream", true},
            {"temperature", form.sampling.temperature},
            {"top_p", form.sampling.top_p},
            {"top_k", form.sampling.top_k},
            {"min_p", form.sampling.min_p}};
  if (llama) {
    head["return_tokens"] = true;
    head["cache_prompt"] = true;
    head["repeat_penalty"] = 1.0;
    // vLLM's order; its own is another.
    head["samplers"] = {"temperature", "top_k", "top_p", "min_p"};
  } else {
    head["model"] = form.model;
    head["skip_special_tokens"] = false;
    head["repetition_penalty"] = 1.0;
    head["return_token_ids"] = true;
    if (!form.ids) head["add_special_tokens"] = false;
    if (form.sampling.top_k == 0) head["top_k"] = -1;
    if (form.dialect == ServerDialect::kSglang) head["no_stop_trim"] = true;
  }
  body_ = head.dump();
  body_.pop_back();
  const auto place = [this](std::string_view key) {
    body_ += fmt::format(",\"{}\":", key);
    const size_t at = body_.size();
    body_.append(kNumberWidth, ' ');
    return at;
  };
  tokens_max_at_ = place(llama ? "n_predict" : "max_tokens");
  seed_at_ = place("seed");
  body_ += form.ids ? ",\"prompt\":[" : ",\"prompt\":\"";
  tail_ = form.ids ? "]}" : "\"}";
  prompt_at_ = body_.size();
}

void CompletionBody::AppendText(std::string_view text) {
  if (IsValidUtf8(text)) return AppendEscaped(body_, text);
  AppendEscaped(body_, Sanitize(text));
}

void CompletionBody::AppendTokens(const TokenId* tokens, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (body_.size() > prompt_at_) body_ += ',';
    body_ += fmt::format_int(tokens[i]).str();
  }
}

std::string CompletionBody::Request(uint32_t tokens_max, uint32_t seed) const {
  std::string request;
  request.reserve(body_.size() + tail_.size());
  request = body_;
  request += tail_;
  const auto put = [&request](size_t at, uint32_t number) {
    const fmt::format_int digits(number);
    request.replace(at + kNumberWidth - digits.size(), digits.size(), digits.data(), digits.size());
  };
  put(tokens_max_at_, tokens_max);
  put(seed_at_, seed);
  return request;
}

Result<CompletionEvent> ParseCompletionEvent(ServerDialect dialect, std::string_view text) {
  const auto bad = [](std::string message) {
    return Fail(ErrorCode::kBackend, std::move(message), /*retryable=*/true);
  };
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return bad("the server sent an event that is no JSON");
  if (json.contains("error")) return bad("the server sent an error: " + ServerErrorText(text));
  const bool llama = dialect == ServerDialect::kLlamaServer;
  if (!json.contains(llama ? "content" : "choices")) return bad("the server sent an event of another form");
  return llama ? ReadLlama(json) : ReadOpenAi(json);
}

std::string ServerErrorText(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  std::string text(body);
  if (json.is_object() && json.contains("error")) {
    const Json& error = json["error"];
    const std::string message = error.is_object() ? TextOf(error, "message") : std::string();
    text = error.is_string() ? error.get<std::string>() : message.empty() ? error.dump() : message;
  } else if (json.is_object() && !TextOf(json, "message").empty()) {
    text = TextOf(json, "message");
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return Sanitize(text.substr(0, kErrorShown));
}

bool MeansContextIsFull(std::string_view text) {
  const auto says = [text](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (says("max_tokens must be at least 1")) return true;  // vLLM, of a prompt that just fills it
  return says("context") && (says("exceed") || says("maximum") || says("longer"));
}

}  // namespace tessy
