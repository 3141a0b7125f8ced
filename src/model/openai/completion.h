#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cooperation/trace.h"
#include "model/sampling.h"

namespace tessy {

// How a completions server is spoken to; what they have in common is little more than the address. Facts and
// traps: the servers' own documents, and what was measured against llama-server (llama.cpp v0.5.0) and vLLM.
enum class ServerDialect : uint8_t { kLlamaServer, kVllm, kSglang };
std::string_view Name(ServerDialect dialect);  // "llama-server", "vllm", "sglang"
std::string_view CompletionPath(ServerDialect dialect);

// The body of a session's requests. The prompt stands in it once, as it is sent, and only grows or is cut at
// its end: a request costs one copy of it. Every sampling field is sent, so that no server's defaults count.
class CompletionBody {
 public:
  struct Form {
    ServerDialect dialect = ServerDialect::kLlamaServer;
    std::string model;  // served name; llama-server needs none
    Sampling sampling;
    bool ids = false;  // the prompt is token ids, else text
  };
  explicit CompletionBody(const Form& form);

  // Text must be whole characters; what is no UTF-8 is replaced.
  void AppendText(std::string_view text);
  void AppendTokens(const TokenId* tokens, size_t count);
  size_t size() const { return body_.size(); }
  // Back to an earlier size().
  void Truncate(size_t size) { body_.resize(size); }
  // The request as it goes out.
  std::string Request(uint32_t tokens_max, uint32_t seed) const;

 private:
  std::string body_;
  std::string tail_;
  size_t prompt_at_ = 0;
  size_t tokens_max_at_ = 0;
  size_t seed_at_ = 0;
};

// One event of a stream.
struct CompletionEvent {
  enum class End : uint8_t {
    kNone,
    kSequence,  // the model ended, by a token or a stop text of its own
    kLimit,     // as many tokens as were asked for
    kContext,   // the context is full
    kOther,     // aborted, or something unheard of
  };
  std::string text;
  std::vector<TokenId> ids;    // where the server tells them
  int64_t tokens_so_far = -1;  // of this request, where the server counts them
  End end = End::kNone;
  std::string end_name;  // of kOther
};

// kBackend, retryable: not what a server of this dialect sends, or an error that it sends under status 200.
Result<CompletionEvent> ParseCompletionEvent(ServerDialect dialect, std::string_view json);

// What a server says of an error, in one line.
std::string ServerErrorText(std::string_view body);
// Does this error's text say that prompt and asked-for tokens are more than the context holds?
bool MeansContextIsFull(std::string_view error_text);

}  // namespace tessy
