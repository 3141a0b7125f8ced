// llama.cpp's llama-server: its own API at /completion, which takes the samplers' order and returns the ids
// of the tokens. Measured against llama.cpp v0.5.0.
#include "model/openai/dialect.h"
#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

bool Recognises(const ServerAnswers& answers) {
  return answers.props.is_object() && answers.props.contains("default_generation_settings");
}

// True if the server puts its begin-of-sequence token before every prompt: a tokenizer with and without
// special tokens then answers differently.
Result<bool> AddsBos(const ServerAnswers& answers) {
  const auto plain = answers.post("/tokenize", Json{{"content", "a"}, {"add_special", false}});
  if (!plain) return tl::unexpected(plain.error());
  const auto special = answers.post("/tokenize", Json{{"content", "a"}, {"add_special", true}});
  if (!special) return tl::unexpected(special.error());
  return *plain != *special;
}

size_t VocabularySize(const Json& models) {
  const Json* data = Member(models, "data");
  if (data == nullptr || !data->is_array() || data->empty() || !data->front().is_object()) return 0;
  const Json* meta = Member(data->front(), "meta");
  return meta != nullptr && meta->is_object() ? NumberOf(*meta, "n_vocab") : 0;
}

Result<ServerIdentity> Identify(const ServerAnswers& answers) {
  if (!Recognises(answers)) {
    return Fail(ErrorCode::kBackend, answers.address.base + ": is no llama-server");
  }
  ServerIdentity identity;
  identity.chat_template = TextOf(answers.props, "chat_template");
  identity.eos = TextOf(answers.props, "eos_token");
  if (const Json* settings = Member(answers.props, "default_generation_settings"); settings->is_object()) {
    identity.context_tokens = NumberOf(*settings, "n_ctx");
  }
  const auto adds_bos = AddsBos(answers);
  if (!adds_bos) return tl::unexpected(adds_bos.error());
  if (*adds_bos) identity.bos = TextOf(answers.props, "bos_token");
  if (answers.models) identity.vocabulary_size = VocabularySize(*answers.models);
  return identity;
}

bool StillServes(const Json& answer, const ServerIdentity& identity) {
  return TextOf(answer, "chat_template") == identity.chat_template;
}

void AddFields(const CompletionForm& /*form*/, Json& fields) {
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
  if (const Json* count = Member(json, "tokens_predicted"); count != nullptr && count->is_number_integer()) {
    event.tokens_so_far = count->get<int64_t>();
  }
  if (!IsTrue(json, "stop")) return event;
  event.end_name = TextOf(json, "stop_type");
  event.end = EndOf(json, event.end_name);
  return event;
}

Json TokenizeBody(const ServerIdentity& /*identity*/, const std::string& text, bool markup) {
  return {{"content", text}, {"add_special", false}, {"parse_special", markup}};
}

Json DetokenizeBody(const ServerIdentity& /*identity*/, const std::vector<TokenId>& tokens) {
  return {{"tokens", tokens}};
}

}  // namespace

extern const ServerDialect kLlamaServer;
constinit const ServerDialect kLlamaServer{
    .name = "llama-server",
    .recognises = Recognises,
    .identify = Identify,
    .tells_template = true,
    .identity_path = "/props",
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
