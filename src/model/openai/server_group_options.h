#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/openai/http_client.h"
#include "model/openai/server_address.h"

namespace tessy {

// How servers are reached, whatever stands behind them. Value type.
struct ServerGroupOptions {
  std::vector<ServerAddress> addresses;  // the same model behind each of them; at least one
  std::string dialect = "auto";          // or a name of the table of dialects
  // A GGUF file with the served model's vocabulary (its weights are not needed).
  std::string vocabulary = {};
  HttpOptions http;
  uint32_t retries_max = 6;  // of one request, with growing pauses
  int requests_max = 4096;   // at a time, to one server
  int connect_seconds = 10;
  int64_t retry_pause_ms = 250;  // before the first retry; doubled for each, with jitter
  int64_t retry_pause_max_ms = 20'000;
  int64_t patience_ms = 600'000;  // without any server that answers, before the run is given up
  int64_t check_pause_ms = 250;   // see Fleet::Options
};

}  // namespace tessy
