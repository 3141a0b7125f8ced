#pragma once

#include <string>

#include "model/openai/dialect.h"

namespace tessy {

// Functions for the dialects of servers in the form of OpenAI's completions API (/v1/completions,
// /v1/models), with the extensions that vLLM and SGLang have in common: token ids in prompts and answers,
// /tokenize and /detokenize. ServerDialect says what each function does.
namespace openai_form {

// The entry of the list in GET /v1/models that the address names: its only one, where the address names none.
// Entries without a name are passed over. An error lists the names that the server has.
Result<nlohmann::json> FindServed(const nlohmann::json& models, const ServerAddress& address);

Result<ServerIdentity> Identify(const ServerAnswers& answers);
std::string IdentityPath(const ServerIdentity& identity);
bool StillServes(const nlohmann::json& answer, const ServerIdentity& identity);
void AddFields(const CompletionForm& form, nlohmann::json& fields);
CompletionEvent ReadEvent(const nlohmann::json& event);
nlohmann::json TokenizeBody(const ServerIdentity& identity, const std::string& text, bool markup);
nlohmann::json DetokenizeBody(const ServerIdentity& identity, const std::vector<TokenId>& tokens);

}  // namespace openai_form
}  // namespace tessy
