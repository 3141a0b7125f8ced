#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/message.h"
#include "cooperation/session.h"
#include "model/family.h"
#include "model/llama/chat_template.h"
#include "model/openai/http_client.h"
#include "model/sampling.h"

namespace tessy {

// "http://host:port/v1#served-model": where a model is served, and by which name.
struct ServerAddress {
  std::string base;   // "http://host:port", without /v1
  std::string model;  // may be empty: the server's only one

  // kInvalidArgument names what is wrong with it.
  static Result<ServerAddress> Parse(std::string_view text);
};

enum class ServerDialect : uint8_t { kLlamaServer, kVllm, kSglang };
std::string_view Name(ServerDialect dialect);  // "llama-server", "vllm", "sglang"

struct ServerModelOptions {
  ServerAddress address;
  std::string dialect = "auto";  // or a dialect's name
  std::string family;            // a built-in's name or a file; empty: as the template says
  TemplateOptions template_options;
  Sampling sampling;
  HttpOptions http;
  uint32_t retries_max = 6;       // of one request, with growing pauses
  uint32_t stream_tokens = 4096;  // asked for at most in one request
  bool streams = true;            // false: requests of as many tokens as a draft asks for
};

// A model behind a completions server: its template, family and markers, and sessions with it. Driven by one
// thread.
class ServerModel {
 public:
  // Runs `call` on the driving thread after so many milliseconds.
  using Delay = std::function<void(int64_t milliseconds, std::function<void()> call)>;

  struct Counts {
    uint64_t requests = 0, retries = 0, bytes_sent = 0, bytes_received = 0;
    uint64_t surplus_tokens = 0;  // came, and were past the boundary
  };

  // Asks the server what it is: waits for it. kBackend: it cannot be reached, or is none that is known.
  static Result<std::unique_ptr<ServerModel>> Connect(const ServerModelOptions& options,
                                                      HttpClient::Post post, Delay delay);
  ~ServerModel();

  const Family& family() const;
  ServerDialect dialect() const;
  size_t context_tokens() const;  // 0: the server did not say
  // The model must outlive the session.
  Result<std::unique_ptr<Session>> Open(std::span<const Message> messages);
  bool busy() const;  // a request is under way
  void Cancel();      // every draft that is waited for, and every one to come, ends with kCancelled
  Counts counts() const;

 private:
  friend class ServerSession;
  struct Impl;
  ServerModel() = default;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessy
