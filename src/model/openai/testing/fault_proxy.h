#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace tessy {

struct FaultProxyOptions {
  uint16_t target_port = 0;  // on 127.0.0.1
  double event_ms = 0.0;     // between server-sent events of a connection; 0: as they come
  double latency_ms = 0.0;   // added to everything, each way
  // Bytes to the client after which a connection, by its number from 0, is reset; -1: never. May be empty.
  std::function<int64_t(uint64_t connection)> resets_after = {};
};

// Stands between a client and a real server: takes TCP connections on 127.0.0.1 and passes bytes on. Runs on
// a thread of its own; all functions may be called from any thread.
class FaultProxy {
 public:
  enum class Mode : uint8_t {
    kPass,
    kBlackhole,  // takes connections and bytes, and answers nothing
    kRefuse,     // takes no connection; open ones live on
    kCutOff,     // resets every connection, open and new
  };
  struct Counts {
    uint64_t connections = 0;
    uint64_t connections_open = 0;
    uint64_t bytes_up = 0;  // from clients to the server
    uint64_t bytes_down = 0;
    uint64_t resets = 0;
  };

  static Result<std::unique_ptr<FaultProxy>> Start(const FaultProxyOptions& options);
  ~FaultProxy();

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:port"
  void SetMode(Mode mode);  // returns when the mode is in effect
  Counts counts() const;

  struct Impl;  // the .cc file's

 private:
  explicit FaultProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A schedule for `resets_after`: this share of connections is reset after 1 to bytes_max bytes.
std::function<int64_t(uint64_t)> RandomResets(uint64_t seed, double share, uint64_t bytes_max);

}  // namespace tessy
