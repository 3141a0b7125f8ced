// vLLM (`vllm serve`), and any other server in the form of OpenAI's completions API that takes vLLM's fields.
#include <array>

#include "model/openai/dialects/openai_form.h"

namespace tessy {
namespace {

// Said of a prompt that just fills the context.
constexpr std::array<std::string_view, 1> kContextFullPhrases{"max_tokens must be at least 1"};

bool Recognises(const ServerAnswers& /*answers*/) { return true; }

}  // namespace

extern const ServerDialect kVllm;
constinit const ServerDialect kVllm{
    .name = "vllm",
    .recognises = Recognises,
    .identify = openai_form::Identify,
    .identity_path = openai_form::IdentityPath,
    .still_serves = openai_form::StillServes,
    .completion_path = "/v1/completions",
    .tokens_max_field = "max_tokens",
    .add_fields = openai_form::AddFields,
    .event_field = "choices",
    .read_event = openai_form::ReadEvent,
    .context_full_phrases = kContextFullPhrases,
    .tokenize_body = openai_form::TokenizeBody,
    .detokenize_body = openai_form::DetokenizeBody,
    .detokenized_field = "prompt",
};

}  // namespace tessy
