#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/openai/fleet.h"
#include "model/openai/http_client.h"
#include "model/openai/inquiries.h"
#include "model/openai/probe.h"
#include "model/openai/server_group_options.h"

namespace tessy {

// Totals of the traffic with servers.
struct ServerCounts {
  uint64_t requests = 0, retries = 0;
  uint64_t bytes_sent = 0, bytes_received = 0;  // of bodies
  uint64_t overloads = 0, outages = 0;          // see Fleet::Counts
};

// The servers that stand for one model or one predictor: the probe that says what they are, the connections
// to them, the fleet that says whose turn it is, and the check of a server that comes back. Used by
// ServerModel and PoolingModel. Driven by one thread; nothing is called once it is destroyed.
class ServerGroup {
 public:
  // Runs `call` on the driving thread after so many milliseconds.
  using Delay = std::function<void(int64_t milliseconds, std::function<void()> call)>;
  // A further test of a server that is probed; waits for its answers.
  using Verify = std::function<Status(const ServerAddress& address, const ServerIdentity& identity)>;

  // Probes every server, and waits. A server that does not answer is taken in when it comes up, provided that
  // another answers. The first one that answers becomes front(). kBackend, retryable: none answers. Other
  // errors: a server is none, serves something else than the others, or fails `verify` (which may be null).
  static Result<std::unique_ptr<ServerGroup>> Connect(const ServerGroupOptions& options,
                                                      HttpClient::Post post, Delay delay,
                                                      const Verify& verify = nullptr);

  ServerGroup(const ServerGroup&) = delete;
  ServerGroup& operator=(const ServerGroup&) = delete;

  const ServerIdentity& identity() const { return identity_; }
  const ServerAddress& front() const { return addresses_.front(); }
  std::string Url(size_t server, std::string_view path) const {
    return addresses_[server].base + std::string(path);
  }
  HttpClient& http() { return *http_; }
  Fleet& fleet() { return *fleet_; }
  // Totals so far, all but `retries`, which the owner counts.
  ServerCounts counts() const;
  // Milliseconds of the steady clock.
  static int64_t NowMs();

 private:
  using Down = std::vector<std::pair<size_t, std::string>>;  // servers that do not answer, and why

  ServerGroup() = default;
  Result<Down> Probe(const ServerGroupOptions& options, const Verify& verify);
  void MakeFleet(const ServerGroupOptions& options, const HttpClient::Post& post, Delay delay);
  void Check(size_t server, const std::function<void(std::optional<std::string>)>& done);

  std::vector<ServerAddress> addresses_;
  ServerIdentity identity_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Inquiries> inquiries_;
  std::unique_ptr<Fleet> fleet_;
};

}  // namespace tessy
