#include "model/openai/dialects/openai_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/shorten.h"
#include "model/openai/json_fields.h"

namespace tessy::openai_form {

using Json = nlohmann::json;

Result<Json> FindServed(const Json& models, const ServerAddress& address) {
  const Json* data = Member(models, "data");
  if (data == nullptr || !data->is_array()) {
    return Fail(ErrorCode::kBackend, fmt::format("{}/v1/models: lists no models", address.base));
  }
  std::vector<std::string> names;
  const Json* found = nullptr;
  for (const Json& model : *data) {
    std::string name = model.is_object() ? TextOf(model, "id") : "";
    if (name.empty()) continue;
    if (address.model.empty() || name == address.model) found = &model;
    names.push_back(std::move(name));
  }
  if (found != nullptr && (!address.model.empty() || names.size() == 1)) return *found;
  if (names.empty()) {
    return Fail(ErrorCode::kBackend, fmt::format("{}/v1/models: lists no models", address.base));
  }
  if (address.model.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{}: serves {}; name one behind #", address.base, ListShortened(names)));
  }
  return Fail(ErrorCode::kNotFound, fmt::format("{}: serves {}, not \"{}\"; name one behind #", address.base,
                                                ListShortened(names), Shortened(address.model)));
}

Result<ServerIdentity> Identify(const ServerAnswers& answers) {
  if (!answers.models) return tl::unexpected(answers.models.error());
  const auto served = FindServed(*answers.models, answers.address);
  if (!served) return tl::unexpected(served.error());
  return ServerIdentity{.model = TextOf(*served, "id"), .context_tokens = NumberOf(*served, "max_model_len")};
}

std::string IdentityPath(const ServerIdentity& /*identity*/) { return "/v1/models"; }

bool StillServes(const Json& answer, const ServerIdentity& identity) {
  const Json* data = Member(answer, "data");
  return data != nullptr && data->is_array() &&
         std::any_of(data->begin(), data->end(), [&](const Json& entry) {
           return entry.is_object() && TextOf(entry, "id") == identity.model;
         });
}

void AddFields(const CompletionForm& form, Json& fields) {
  fields["model"] = form.model;
  fields["skip_special_tokens"] = false;
  fields["repetition_penalty"] = 1.0;
  fields["return_token_ids"] = true;
  if (!form.ids) fields["add_special_tokens"] = false;
  if (form.sampling.top_k == 0) fields["top_k"] = -1;
}

CompletionEvent ReadEvent(const Json& json) {
  CompletionEvent event;
  const Json* choices = Member(json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return event;  // usage alone
  const Json& choice = choices->front();
  if (!choice.is_object()) return event;
  event.text = TextOf(choice, "text");
  event.ids = IdsOf(choice, "token_ids");
  const std::string reason = TextOf(choice, "finish_reason");
  if (reason.empty()) return event;
  event.end = reason == "stop"     ? CompletionEvent::End::kSequence
              : reason == "length" ? CompletionEvent::End::kLimit
                                   : CompletionEvent::End::kOther;
  event.end_name = Shortened(reason);
  return event;
}

// These servers cannot be told to leave special tokens alone.
Json TokenizeBody(const ServerIdentity& identity, const std::string& text, bool /*markup*/) {
  return {{"model", identity.model}, {"prompt", text}, {"add_special_tokens", false}};
}

Json DetokenizeBody(const ServerIdentity& identity, const std::vector<TokenId>& tokens) {
  return {{"tokens", tokens}, {"model", identity.model}};
}

}  // namespace tessy::openai_form
