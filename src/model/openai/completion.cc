#include "model/openai/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "model/openai/json_fields.h"

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

}  // namespace

CompletionBody::CompletionBody(const CompletionForm& form) {
  Json fields{{"stream", true},
              {"temperature", form.sampling.temperature},
              {"top_p", form.sampling.top_p},
              {"top_k", form.sampling.top_k},
              {"min_p", form.sampling.min_p}};
  form.dialect.add_fields(form, fields);
  body_ = fields.dump();
  body_.pop_back();
  const auto place = [this](std::string_view key) {
    body_ += fmt::format(",\"{}\":", key);
    const size_t at = body_.size();
    body_.append(kNumberWidth, ' ');
    return at;
  };
  tokens_max_at_ = place(form.dialect.tokens_max_field);
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

Result<CompletionEvent> ParseCompletionEvent(const ServerDialect& dialect, std::string_view text) {
  const auto bad = [](std::string message) {
    return Fail(ErrorCode::kBackend, std::move(message), /*retryable=*/true);
  };
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return bad("the server sent an event that is no JSON");
  if (json.contains("error")) return bad("the server sent an error: " + ServerErrorText(text));
  if (!json.contains(dialect.event_field)) return bad("the server sent an event of another form");
  return dialect.read_event(json);
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

bool MeansContextIsFull(const ServerDialect& dialect, std::string_view text) {
  const auto says = [text](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (std::ranges::any_of(dialect.context_full_phrases, says)) return true;
  return says("context") && (says("exceed") || says("maximum") || says("longer"));
}

}  // namespace tessy
