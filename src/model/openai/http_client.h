#pragma once

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
  std::string body;  // POSTed as JSON; empty: GET
  std::vector<std::string> headers = {};
  int connect_seconds = 10;
  int idle_seconds = 120;  // without a byte; a stream has no limit as a whole
};

struct HttpOptions {
  std::string bearer_token = {};  // never in a message or a log
  std::string ca_file = {};       // besides what curl's environment says
  int connections_max = 0;        // at a time, to all hosts; 0: no limit
};

// HTTP/1.1 with libcurl: any number of exchanges at a time on one thread of its own. Proxies, CA bundles and
// NO_PROXY as curl takes them from the environment.
class HttpClient {
 public:
  using Post = std::function<void(std::function<void()>)>;
  // More of the body; on the driving thread.
  using OnData = std::function<void(std::string_view)>;
  struct Ended {
    int status = 0;            // 0: no answer came
    int64_t retry_after = -1;  // seconds, where the server said so
    std::string error = {};    // of the connection; empty if the exchange came to its end
    bool timed_out = false;
  };
  using OnEnd = std::function<void(Ended)>;

  // An exchange under way. Destroying it closes the connection; nothing is called after that.
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

  // `post` brings a callback to the driving thread; it must be callable until the client is gone.
  static Result<std::unique_ptr<HttpClient>> Create(const HttpOptions& options, Post post);
  ~HttpClient();

  // On the driving thread.
  std::unique_ptr<Exchange> Start(const HttpRequest& request, OnData on_data, OnEnd on_end);

  struct Totals {
    uint64_t requests = 0;
    uint64_t bytes_sent = 0;  // bodies
    uint64_t bytes_received = 0;
  };
  Totals totals() const { return totals_; }  // driving thread

 private:
  struct Impl;
  HttpClient() = default;

  std::unique_ptr<Impl> impl_;
  Totals totals_;
};

}  // namespace tessy
