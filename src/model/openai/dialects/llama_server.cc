// llama.cpp's llama-server: its own API at /completion, which takes the samplers' order and returns the ids
// of the tokens. Measured against llama.cpp v0.5.0. One that was started without a model is a router: it has
// many models, every request names one of them, and /props?model=NAME is what /props is elsewhere.
#include <fmt/format.h>

#include "base/shorten.h"
#include "model/openai/dialect.h"
#include "model/openai/dialects/openai_form.h"
#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

bool IsRouter(const Json& props) { return TextOf(props, "role") == "router"; }

bool Recognises(const ServerAnswers& answers) {
  return answers.props.is_object() &&
         (answers.props.contains("default_generation_settings") || IsRouter(answers.props));
}

void NameModel(const std::string& model, Json& body) {
  if (!model.empty()) body["model"] = model;
}

// True if the server puts its begin-of-sequence token before every prompt: a tokenizer with and without
// special tokens then answers differently.
Result<bool> AddsBos(const ServerAnswers& answers, const std::string& model) {
  Json body{{"content", "a"}, {"add_special", false}};
  NameModel(model, body);
  const auto plain = answers.post("/tokenize", body);
  if (!plain) return tl::unexpected(plain.error());
  body["add_special"] = true;
  const auto special = answers.post("/tokenize", body);
  if (!special) return tl::unexpected(special.error());
  return *plain != *special;
}

// `model`: the entry of the server's list, or any other value.
size_t VocabularySize(const Json& model) {
  const Json* meta = model.is_object() ? Member(model, "meta") : nullptr;
  return meta != nullptr && meta->is_object() ? NumberOf(*meta, "n_vocab") : 0;
}

Json FirstModel(const ServerAnswers& answers) {
  const Json* data = answers.models ? Member(*answers.models, "data") : nullptr;
  return data != nullptr && data->is_array() && !data->empty() ? data->front() : Json();
}

std::string PropsPath(const ServerIdentity& identity) {
  if (identity.model.empty()) return "/props";
  std::string path = "/props?model=";
  for (const char c : identity.model) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    path += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return path;
}

Result<ServerIdentity> IdentityOf(const ServerAnswers& answers, const Json& props, const std::string& model) {
  ServerIdentity identity{.model = model};
  identity.chat_template = TextOf(props, "chat_template");
  identity.eos = TextOf(props, "eos_token");
  const Json* settings = Member(props, "default_generation_settings");
  if (settings != nullptr && settings->is_object()) identity.context_tokens = NumberOf(*settings, "n_ctx");
  const auto adds_bos = AddsBos(answers, model);
  if (!adds_bos) return tl::unexpected(adds_bos.error());
  if (*adds_bos) identity.bos = TextOf(props, "bos_token");
  return identity;
}

Result<ServerIdentity> IdentifyRouted(const ServerAnswers& answers) {
  if (!answers.models) return tl::unexpected(answers.models.error());
  const auto served = openai_form::FindServed(*answers.models, answers.address);
  if (!served) return tl::unexpected(served.error());
  const std::string model = TextOf(*served, "id");
  const auto props = answers.get(PropsPath({.model = model}));
  if (!props) return tl::unexpected(props.error());
  if (IsRouter(*props)) {
    return Fail(ErrorCode::kBackend, fmt::format("{}: does not tell the properties of {}",
                                                 answers.address.base, Shortened(model)));
  }
  auto identity = IdentityOf(answers, *props, model);
  if (identity) identity->vocabulary_size = VocabularySize(*served);
  return identity;
}

Result<ServerIdentity> Identify(const ServerAnswers& answers) {
  if (!Recognises(answers)) {
    return Fail(ErrorCode::kBackend, answers.address.base + ": is no llama-server");
  }
  if (IsRouter(answers.props)) return IdentifyRouted(answers);
  auto identity = IdentityOf(answers, answers.props, "");
  if (identity) identity->vocabulary_size = VocabularySize(FirstModel(answers));
  return identity;
}

bool StillServes(const Json& answer, const ServerIdentity& identity) {
  return TextOf(answer, "chat_template") == identity.chat_template;
}

void AddFields(const CompletionForm& form, Json& fields) {
  NameModel(form.model, fields);
  fields["return_tokens"] = true;
  fields["cache_prompt"] = true;
  fields["repeat_penalty"] = 1.0;
  fields["samplers"] = {"temperature", "top_k", "top_p", "min_p"};  // vLLM's order; its own is another
}

CompletionEvent::End EndOf(const Json& event, const std::string& type) {
  if (IsTrue(event, "truncated")) return CompletionEvent::End::kContext;
  if (type == "limit") return CompletionEvent::End::kLimit;
  return type == "none" ? CompletionEvent::End::kOther : CompletionEvent::End::kSequence;
}

CompletionEvent ReadEvent(const Json& json) {
  CompletionEvent event;
  event.text = TextOf(json, "content");
  event.ids = IdsOf(json, "tokens");
  event.tokens_so_far = CountOf(json, "tokens_predicted");
  if (!IsTrue(json, "stop")) return event;
  event.end_name = Shortened(TextOf(json, "stop_type"));
  event.end = EndOf(json, event.end_name);
  return event;
}

Json TokenizeBody(const ServerIdentity& identity, const std::string& text, bool markup) {
  Json body{{"content", text}, {"add_special", false}, {"parse_special", markup}};
  NameModel(identity.model, body);
  return body;
}

Json DetokenizeBody(const ServerIdentity& identity, const std::vector<TokenId>& tokens) {
  Json body{{"tokens", tokens}};
  NameModel(identity.model, body);
  return body;
}

}  // namespace

extern const ServerDialect kLlamaServer;
constinit const ServerDialect kLlamaServer{
    .name = "llama-server",
    .recognises = Recognises,
    .identify = Identify,
    .tells_template = true,
    .identity_path = PropsPath,
    .still_serves = StillServes,
    .completion_path = "/completion",
    .tokens_max_field = "n_predict",
    .add_fields = AddFields,
    .event_field = "content",
    .read_event = ReadEvent,
    .tokenize_body = TokenizeBody,
    .detokenize_body = DetokenizeBody,
    .detokenized_field = "content",
};

}  // namespace tessy
