// SGLang (`python -m sglang.launch_server`). It trims the token that ended a sequence off the text unless it
// is told not to.
#include "model/openai/dialects/openai_form.h"
#include "model/openai/json_fields.h"

namespace tessy {
namespace {

using Json = nlohmann::json;

bool Recognises(const ServerAnswers& answers) {
  if (!answers.models) return false;
  const auto served = openai_form::FindServed(*answers.models, answers.address);
  return served && TextOf(*served, "owned_by") == "sglang";
}

void AddFields(const CompletionForm& form, Json& fields) {
  openai_form::AddFields(form, fields);
  fields["no_stop_trim"] = true;
}

}  // namespace

extern const ServerDialect kSglang;
constinit const ServerDialect kSglang{
    .name = "sglang",
    .recognises = Recognises,
    .identify = openai_form::Identify,
    .identity_path = openai_form::IdentityPath,
    .still_serves = openai_form::StillServes,
    .completion_path = "/v1/completions",
    .tokens_max_field = "max_tokens",
    .add_fields = AddFields,
    .event_field = "choices",
    .read_event = openai_form::ReadEvent,
    .tokenize_body = openai_form::TokenizeBody,
    .detokenize_body = openai_form::DetokenizeBody,
    .detokenized_field = "prompt",
};

}  // namespace tessy
