#include "model/openai/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_depth.h"
#include "base/shorten.h"
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

// Some servers send the member with every event.
bool HasError(const Json& json) {
  const Json* error = Member(json, "error");
  if (error == nullptr || error->is_null()) return false;
  if (error->is_string()) return !error->get_ref<const std::string&>().empty();
  return *error != false && !(error->is_structured() && error->empty());
}

// An event of nothing but what servers and the proxies before them say between tokens. One that is merely of
// another form may be a token that was damaged on its way.
bool SaysNothing(const Json& json) {
  return json.empty() || json.contains("usage") || json.contains("timings") ||
         json.contains("prompt_filter_results") || TextOf(json, "type") == "ping" || json.contains("error");
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
  if (NestsDeeperThan(text, kNestingMax)) {
    return bad(
        fmt::format("the server sent an event of more than {} levels of lists and objects", kNestingMax));
  }
  const bool has_halves = HasHalf(text);
  const Json json =
      has_halves ? Json::parse(MarkHalves(text), nullptr, false) : Json::parse(text, nullptr, false);
  if (!json.is_object()) return bad("the server sent an event that is no JSON");
  if (HasError(json)) return bad("the server sent an error: " + ServerErrorText(text));
  if (!json.contains(dialect.event_field)) {
    if (SaysNothing(json)) return CompletionEvent{};
    return bad("the server sent an event of another form");
  }
  CompletionEvent event = dialect.read_event(json);
  event.has_halves = has_halves;
  return event;
}

void HalfJoiner::Join(CompletionEvent& event) {
  const bool ends = event.end != CompletionEvent::End::kNone;
  if (!std::exchange(event.has_halves, false)) {
    if (high_ == 0 || (event.text.empty() && !ends)) return;
    std::string begin;
    AppendUtf8(begin, kReplacement);
    event.text.insert(0, begin);
    high_ = 0;
    return;
  }
  std::string whole;
  for (std::string_view rest = event.text; !rest.empty();) {
    const CodePoint c = FirstCodePoint(rest);
    rest.remove_prefix(c.bytes);
    const bool is_half = c.value >= kHalfMark;
    const char32_t half = is_half ? c.value - kHalfMark + 0xD800 : 0;
    const char32_t high = std::exchange(high_, is_half && half < 0xDC00 ? half : 0);
    if (high != 0 && half >= 0xDC00) {
      AppendUtf8(whole, 0x10000 + ((high - 0xD800) << 10) + (half - 0xDC00));
      continue;
    }
    if (high != 0) AppendUtf8(whole, kReplacement);
    if (high_ == 0) AppendUtf8(whole, is_half ? kReplacement : c.value);
  }
  if (ends && std::exchange(high_, 0) != 0) AppendUtf8(whole, kReplacement);
  event.text = std::move(whole);
}

std::string ServerErrorText(std::string_view body) {
  const Json json = ParseServerJson(body);
  std::string text(body);
  if (json.is_object() && HasError(json)) {
    const Json& error = *Member(json, "error");
    const std::string message = error.is_object() ? TextOf(error, "message") : std::string();
    const std::string plain = TextOf(json, "error");
    text = !message.empty() ? message : !plain.empty() ? plain : error.dump();
  } else if (json.is_object() && !TextOf(json, "message").empty()) {
    text = TextOf(json, "message");
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return Shortened(Sanitize(std::string_view(text).substr(0, 4 * kErrorShown)), kErrorShown);
}

bool MeansContextIsFull(const ServerDialect& dialect, std::string_view text) {
  const auto says = [text](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (std::ranges::any_of(dialect.context_full_phrases, says)) return true;
  return says("context") && (says("exceed") || says("maximum") || says("longer"));
}

}  // namespace tessy
