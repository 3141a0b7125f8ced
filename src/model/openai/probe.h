#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/openai/dialect.h"
#include "model/openai/http_client.h"
#include "model/openai/server_address.h"

namespace tessy {

// Asks a server what it is, and waits for the answer; while the server says that it still loads its model,
// for at most `loading_seconds`. `dialect`: "auto" takes the first row of the table that recognises the
// server; a row's name takes that row. kBackend, retryable: nobody answers. kInvalidArgument: no row has the
// name.
Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int loading_seconds = 600);

// The list of models that a server has at /v1/models; waits for the answer. kBackend, retryable: nobody
// answers.
Result<nlohmann::json> FetchModels(const ServerAddress& address, const HttpOptions& http,
                                   int connect_seconds);

// The server's tokens of a text; special tokens in it are recognised if `markup`. Nothing where the server
// has no such call.
Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup);
// The server's text of tokens. Nothing where the server has no such call.
Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens);

}  // namespace tessy
