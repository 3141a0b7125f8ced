#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "model/openai/http_client.h"

namespace tessy {

// GET requests to servers that were down, whose exchanges are kept here. Driving thread; nothing is called
// once it is destroyed.
class Inquiries {
 public:
  using Done = std::function<void(Result<std::string>)>;

  Inquiries(HttpClient& http, int connect_seconds) : http_(http), connect_seconds_(connect_seconds) {}

  // The body of an answer with status 200, of at most a megabyte; an error for everything else. A longer
  // answer is not read to its end, and the error says so.
  void Ask(const std::string& url, Done done);

 private:
  struct Inquiry {
    Done done;
    std::string answer;  // so far
  };

  void End(uint64_t number, Inquiry& inquiry, const Result<std::string>& answer);

  HttpClient& http_;
  int connect_seconds_;
  std::map<uint64_t, std::unique_ptr<HttpClient::Exchange>> under_way_;
  uint64_t asked_ = 0;
};

}  // namespace tessy
