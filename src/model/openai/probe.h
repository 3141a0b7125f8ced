#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/openai/dialect.h"
#include "model/openai/http_client.h"
#include "model/openai/server_address.h"

namespace tessy {

// Asks a server what it is, and waits for the answer; while the server, or the proxy before it, says that it
// is not ready (502, 503, 504), for at most `loading_ms`. `dialect`: "auto" takes the first row of the table
// that recognises the server; a row's name takes that row. kBackend, retryable: nobody answers, or the server
// is not ready in time. kInvalidArgument: no row has the name.
Result<ServerIdentity> ProbeServer(const ServerAddress& address, const std::string& dialect,
                                   const HttpOptions& http, int connect_seconds, int64_t loading_ms);

// True for the statuses with which servers, and the proxies before them, say that they are not ready.
inline bool IsNotReady(int status) { return status == 502 || status == 503 || status == 504; }

// The server's tokens of a text; special tokens in it are recognised if `markup`. Nothing where the server
// has no such call. While the server says that it is not ready it is asked again, as by ProbeServer;
// kBackend, retryable, if that lasts longer than `loading_ms`.
Result<std::optional<std::vector<TokenId>>> TokenizeByServer(const ServerAddress& address,
                                                             const ServerIdentity& identity,
                                                             const HttpOptions& http, const std::string& text,
                                                             bool markup, int64_t loading_ms);
// The server's text of tokens. Nothing where the server has no such call. Otherwise as TokenizeByServer.
Result<std::optional<std::string>> DetokenizeByServer(const ServerAddress& address,
                                                      const ServerIdentity& identity, const HttpOptions& http,
                                                      const std::vector<TokenId>& tokens, int64_t loading_ms);

}  // namespace tessy
