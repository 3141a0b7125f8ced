#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/openai/completion.h"
#include "model/openai/http_client.h"
#include "model/openai/server_address.h"

namespace tessy {

// What a server said of itself.
struct ServerIdentity {
  ServerDialect dialect = ServerDialect::kLlamaServer;
  std::string model;          // the served name, where the dialect has one
  size_t context_tokens = 0;  // 0: it did not say
  size_t vocabulary_size = 0;
  // llama-server alone:
  std::string chat_template = {};
  std::string bos = {};  // its text; empty unless the server puts it before every prompt
  std::string eos = {};

  // Do both serve the same thing?
  bool Matches(const ServerIdentity& other) const {
    return dialect == other.dialect && model == other.model && chat_template == other.chat_template;
  }
};

// Asks a server what it is, and waits for the answer, for as long as it says that it still loads its model
// (at most `loading_seconds`). `dialect`: "auto", or what it is to be. kBackend, retryable: nobody answers.
Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int loading_seconds = 600);

// Does this answer (to /v1/models, or of a llama-server to /props) name the model, and have the template?
// Either may be empty: then it is not looked for.
bool SaysThatItServes(const std::string& answer, const std::string& model, const std::string& chat_template);

// The server's tokens of a text; nothing in it is markup unless `markup`. None where the server has no such
// call.
Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup);
// The text of tokens, likewise.
Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens);

}  // namespace tessy
