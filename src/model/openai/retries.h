#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/openai/http_client.h"
#include "model/openai/server_group_options.h"

namespace tessy {

// Why a request came to nothing.
struct RequestFailure {
  std::string reason;
  bool overload = false;       // the server has too much to do
  bool not_for_us = false;     // the server is there, and refuses us; another attempt of a sample is in vain
  int64_t retry_after_ms = 0;  // how long the server asked to wait
};

// The failure that an answer's status means: 429 and 503 are overload; 401, 403 and 404 refuse us. `text` is
// what the server or the connection said.
RequestFailure FailureOf(const HttpClient::Ended& ended, const std::string& text, int64_t patience_ms);

// Decides whether and when a request that failed goes out again: `retries_max` times, or while the server is
// overloaded for as long as `patience_ms`. Pauses are doubled each time, and drawn between half of the pause
// and all of it, so that requests that failed together do not come back together. Value type.
class Retries {
 public:
  // `key` and `offset` select the random numbers of the pauses. The options must outlive it.
  Retries(const ServerGroupOptions& options, uint64_t key, uint64_t offset)
      : options_(&options), key_(key), offset_(offset) {}

  // Counts a failure. Milliseconds until the request goes out again; nothing if it is given up.
  std::optional<int64_t> Next(const RequestFailure& failure, int64_t now_ms);
  // The error of a request that is given up for this failure: kUnavailable if the server refuses us, else
  // kBackend, retryable.
  Error GivenUp(const RequestFailure& failure) const;
  // Failures so far that were not overload.
  uint32_t tries() const { return tries_; }

 private:
  const ServerGroupOptions* options_;
  uint64_t key_;
  uint64_t offset_;
  uint32_t tries_ = 0;
  uint32_t refusals_ = 0;  // for overload
  int64_t refused_since_ms_ = 0;
};

}  // namespace tessy
