#include "model/openai/server_group.h"

#include <fmt/format.h>

#include <chrono>

#include "model/openai/json_fields.h"

namespace tessy {

int64_t ServerGroup::NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<std::unique_ptr<ServerGroup>> ServerGroup::Connect(const ServerGroupOptions& options,
                                                          HttpClient::Post post, Delay delay,
                                                          const Verify& verify) {
  std::unique_ptr<ServerGroup> group(new ServerGroup);
  group->addresses_ = options.addresses;
  auto http = HttpClient::Create(options.http, post);
  if (!http) return tl::unexpected(http.error());
  group->http_ = std::move(*http);
  group->inquiries_ = std::make_unique<Inquiries>(*group->http_, options.connect_seconds);
  const auto down = group->Probe(options, verify);
  if (!down) return tl::unexpected(down.error());
  group->MakeFleet(options, post, std::move(delay));
  for (const auto& [server, reason] : *down) group->fleet_->MarkDown(server, reason);
  return group;
}

Result<ServerGroup::Down> ServerGroup::Probe(const ServerGroupOptions& options, const Verify& verify) {
  Down down;
  std::optional<size_t> first;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    const ServerAddress& address = addresses_[i];
    auto found =
        ProbeServer(address, options.dialect, options.http, options.connect_seconds, options.patience_ms);
    if (!found && found.error().retryable) {
      down.emplace_back(i, found.error().message);
      continue;
    }
    if (!found) return tl::unexpected(found.error());
    if (first && !found->Matches(identity_)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} and {}: do not serve the same model; replicas must",
                              addresses_[*first].base, address.base));
    }
    if (const auto status = verify ? verify(address, *found) : Status(); !status) {
      if (!status.error().retryable) return tl::unexpected(status.error());
      down.emplace_back(i, status.error().message);
      continue;
    }
    if (first) continue;
    identity_ = std::move(*found);
    first = i;
  }
  if (!first) {
    std::string reasons;
    for (const auto& [server, reason] : down) reasons += (reasons.empty() ? "" : "; ") + reason;
    return Fail(ErrorCode::kBackend, reasons, /*retryable=*/true);
  }
  std::swap(addresses_[0], addresses_[*first]);
  for (auto& [server, reason] : down) {
    if (server == 0) server = *first;
  }
  return down;
}

void ServerGroup::MakeFleet(const ServerGroupOptions& options, const HttpClient::Post& post, Delay delay) {
  Fleet::Options told{.addresses = {},
                      .requests_max = options.requests_max,
                      .patience_ms = options.patience_ms,
                      .check_pause_ms = options.check_pause_ms};
  for (const ServerAddress& address : addresses_) told.addresses.push_back(address.base);
  fleet_ = std::make_unique<Fleet>(
      std::move(told),
      Fleet::Surroundings{.now_ms = &NowMs,
                          .post = post,
                          .delay = std::move(delay),
                          .check = [this](size_t server, const auto& done) { Check(server, done); }});
}

// Is the server there again, and is it the one it was? (Fleet::Surroundings)
void ServerGroup::Check(size_t server, const std::function<void(std::optional<std::string>)>& done) {
  inquiries_->Ask(Url(server, "/health"), [this, server, done](const Result<std::string>& health) {
    if (!health) return done(health.error().message);
    const ServerDialect& dialect = *identity_.dialect;
    inquiries_->Ask(Url(server, dialect.identity_path(identity_)),
                    [this, &dialect, done](const Result<std::string>& answer) {
                      if (!answer) return done(answer.error().message);
                      const auto json = ParseServerJson(*answer);
                      if (!json.is_object() || !dialect.still_serves(json, identity_))
                        return done("came back with another model");
                      done(std::nullopt);
                    });
  });
}

ServerCounts ServerGroup::counts() const {
  const auto totals = http_->totals();
  const auto& fleet = fleet_->counts();
  return {.requests = totals.requests,
          .bytes_sent = totals.bytes_sent,
          .bytes_received = totals.bytes_received,
          .overloads = fleet.overloads,
          .outages = fleet.outages};
}

}  // namespace tessy
