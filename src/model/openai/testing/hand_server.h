#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/openai/testing/wire_request.h"

namespace tessy {

// A server whose answers a test writes by hand, for what no sound server says: floods, streams without an
// end, redirects, JSON of any shape. Listens on 127.0.0.1; every connection is one request, and has a thread
// of its own.
class HandServer {
 public:
  // The client's end of one request.
  class Client {
   public:
    explicit Client(int socket) : socket_(socket) {}
    // False once the client is gone. Waits while the client does not read.
    bool Send(std::string_view bytes);
    // A whole answer; `headers` are lines that end in \r\n.
    void Reply(int status, std::string_view body, std::string_view headers = "");
    // Begins a stream of events, which ends with the connection.
    bool BeginStream();
    bool Event(std::string_view data);
    void WaitUntilGone() const;
    bool answered() const { return answered_; }  // something was sent

   private:
    int socket_;
    bool answered_ = false;
  };
  // Called on the threads of connections, several at a time. What it leaves unanswered gets status 404.
  using Answer = std::function<void(const WireRequest& request, Client& client)>;

  static Result<std::unique_ptr<HandServer>> Start(Answer answer);
  // Ends all connections, and waits for their threads.
  ~HandServer();

  std::string url() const;  // "http://127.0.0.1:port"
  uint16_t port() const;
  std::vector<WireRequest> requests() const;  // so far

 private:
  struct Impl;
  HandServer() = default;
  std::unique_ptr<Impl> impl_;
};

// Answers as a llama-server does that serves the model "m" of 1,000 tokens: all but /completion. False where
// it has no answer.
bool AnswerAsLlamaServer(const WireRequest& request, HandServer::Client& client);
// The same for a vLLM that serves "m": all but /v1/completions and /pooling.
bool AnswerAsVllm(const WireRequest& request, HandServer::Client& client);

}  // namespace tessy
