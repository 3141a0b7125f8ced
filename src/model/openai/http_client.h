#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tessy {

struct HttpRequest {
  std::string url;
  std::string body = {};  // POSTed as JSON; empty: GET
  std::vector<std::string> headers = {};
  int connect_seconds = 10;
  int seconds_max = 0;  // for the exchange as a whole; 0: no limit, the caller watches
};

struct HttpOptions {
  // Never in a message or a log. What cannot stand in a header is the caller's to refuse.
  std::string bearer_token = {};
  // Authorities of certificates, a PEM file. Empty: what CURL_CA_BUNDLE, else SSL_CERT_FILE and SSL_CERT_DIR
  // of the environment say (as the program curl takes them), else the system's.
  std::string ca_file = {};
};

// HTTP/1.1 with libcurl: any number of exchanges at a time on one thread of its own; a socket that waits
// costs nothing (epoll). curl takes proxies and NO_PROXY from the environment.
//  - A redirect is followed where it stays on the same host and port, or goes from http to https on the same
//    host; the key and the body go along. Any other ends the exchange with an error that says where it leads.
//  - What has come and is not taken by the driving thread yet is bounded: a stream that is two megabytes
//    ahead is not read on until half of them are taken.
class HttpClient {
 public:
  using Post = std::function<void(std::function<void()>)>;
  // More of the body; on the driving thread.
  using OnData = std::function<void(std::string_view)>;
  struct Ended {
    int status = 0;            // 0: no answer came
    int64_t retry_after = -1;  // seconds, where the server said so
    std::string error = {};    // of the connection; empty if the exchange came to its end

    // How long the server asked to wait: whole seconds in milliseconds, at most `most`; 0 if it said nothing.
    int64_t PauseMs(int64_t most) const { return std::clamp<int64_t>(retry_after, 0, most / 1000) * 1000; }
  };
  using OnEnd = std::function<void(Ended)>;

  // An exchange under way. Destroying it closes the connection at once with a reset, which the server notices
  // when it next writes; nothing is called after that.
  class Exchange {
   public:
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

   private:
    friend class HttpClient;
    struct State;
    Exchange() = default;
    std::shared_ptr<State> state_;
    HttpClient* client_ = nullptr;
  };

  // `post` runs a callback on the driving thread; it must be callable until the client is gone.
  static Result<std::unique_ptr<HttpClient>> Create(const HttpOptions& options, Post post);
  ~HttpClient();

  // On the driving thread. The client must outlive the exchange.
  std::unique_ptr<Exchange> Start(HttpRequest request, OnData on_data, OnEnd on_end);

  struct Totals {
    uint64_t requests = 0;
    uint64_t bytes_sent = 0;  // bodies
    uint64_t bytes_received = 0;
  };
  Totals totals() const;  // driving thread

 private:
  struct Impl;
  HttpClient() = default;

  std::shared_ptr<Impl> impl_;  // posted callbacks notice by it that the client is gone
};

// One exchange that the calling thread waits for, for at most `seconds_max` (60 if none is given): status and
// body, of at most 4 MB. An error if no answer came; it names the address, the cause and how to mend.
// Retryable: the server may be there later.
Result<std::pair<int, std::string>> Fetch(const HttpRequest& request, const HttpOptions& options);

}  // namespace tessy
