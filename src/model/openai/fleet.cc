#include "model/openai/fleet.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace tessy {

namespace {
constexpr int64_t kBurstMs = 1000;
}

void AdaptiveLimit::OnSuccess() { limit_ = std::min<double>(maximum_, limit_ + 1.0 / limit_); }

void AdaptiveLimit::OnOverload(int in_flight, int64_t now_ms) {
  if (now_ms - lowered_at_ms_ < kBurstMs) return;
  lowered_at_ms_ = now_ms;
  limit_ = std::max(1.0, std::min<double>(limit_, in_flight) / 2.0);
}

Fleet::Fleet(Options options, Surroundings surroundings)
    : options_(std::move(options)), around_(std::move(surroundings)) {
  TESSY_CHECK(!options_.addresses.empty());
  for (size_t i = 0; i < options_.addresses.size(); ++i) {
    servers_.emplace_back(options_.requests_max);
    servers_.back().check_pause_ms = options_.check_pause_ms;
  }
}

Fleet::~Fleet() = default;

Fleet::Place::~Place() { fleet_->Leave(*this); }

void Fleet::Place::Succeeded() {
  TESSY_CHECK(held_);
  Server& server = fleet_->servers_[*server_];
  server.limit.OnSuccess();
  server.failures = 0;
  server.check_pause_ms = fleet_->options_.check_pause_ms;
}

void Fleet::Place::Overloaded(int64_t retry_after_ms) {
  TESSY_CHECK(held_);
  Server& server = fleet_->servers_[*server_];
  const int64_t now = fleet_->around_.now_ms();
  ++fleet_->counts_.overloads;
  server.limit.OnOverload(server.in_flight, now);
  server.paused_until_ms = std::max(server.paused_until_ms, now + retry_after_ms);
}

void Fleet::Place::Failed(const std::string& reason) {
  TESSY_CHECK(held_);
  Server& server = fleet_->servers_[*server_];
  if (server.healthy && ++server.failures >= fleet_->options_.failures_max) {
    fleet_->TakeDown(*server_, reason);
  }
}

std::unique_ptr<Fleet::Place> Fleet::Enter(uint64_t key, Entered entered) {
  std::unique_ptr<Place> place(new Place);
  place->fleet_ = this;
  place->key_ = key;
  place->entered_ = std::move(entered);
  Assign(*place);
  ScheduleServe();
  return place;
}

void Fleet::Assign(Place& place) {
  std::list<Place*>* queue = &stranded_;
  uint64_t best = 0;
  place.server_.reset();
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (!servers_[i].healthy) continue;
    const std::array<uint64_t, 2> parts{place.key_, HashBytes(options_.addresses[i])};
    const uint64_t weight = HashParts(parts);
    if (place.server_ && weight <= best) continue;
    best = weight;
    place.server_ = i;
    queue = &servers_[i].queue;
  }
  place.queue_ = queue;
  place.at_ = queue->insert(queue->end(), &place);
}

void Fleet::Leave(Place& place) {
  if (place.queue_ != nullptr) place.queue_->erase(place.at_);
  place.queue_ = nullptr;
  if (!std::exchange(place.held_, false)) return;
  --servers_[*place.server_].in_flight;
  ScheduleServe();
}

void Fleet::ScheduleServe() {
  if (std::exchange(serve_scheduled_, true)) return;
  around_.post(Guarded([this] { Serve(); }));
}

void Fleet::Serve() {
  serve_scheduled_ = false;
  for (size_t i = 0; i < servers_.size(); ++i) ServeOne(servers_[i], i);
  GiveUpWaiting();
}

void Fleet::ServeOne(Server& server, size_t index) {
  while (server.healthy && !server.queue.empty() && server.in_flight < server.limit.current()) {
    const int64_t pause = server.paused_until_ms - around_.now_ms();
    if (pause > 0) return around_.delay(pause, Guarded([this] { ScheduleServe(); }));
    Place& place = *server.queue.front();
    server.queue.pop_front();
    place.queue_ = nullptr;
    place.held_ = true;
    ++server.in_flight;
    const Entered entered = std::move(place.entered_);
    entered(index);  // which may destroy the place
  }
}

bool Fleet::AnyHealthy() const {
  return std::any_of(servers_.begin(), servers_.end(), [](const Server& server) { return server.healthy; });
}

void Fleet::MarkDown(size_t server, const std::string& reason) { TakeDown(server, reason); }

void Fleet::TakeDown(size_t index, const std::string& reason) {
  Server& server = servers_[index];
  server.healthy = false;
  server.reason = reason;
  ++counts_.outages;
  if (!AnyHealthy() && !down_since_ms_) down_since_ms_ = around_.now_ms();
  spdlog::warn("{}: is not asked for now: {}", options_.addresses[index], reason);
  std::list<Place*> waiting;
  waiting.swap(server.queue);
  for (Place* place : waiting) Assign(*place);
  ScheduleServe();
  ScheduleCheck(index);
}

void Fleet::ScheduleCheck(size_t index) {
  Server& server = servers_[index];
  const int64_t pause = server.check_pause_ms;
  server.check_pause_ms = std::min(options_.check_pause_max_ms, 2 * pause);
  around_.delay(pause, Guarded([this, index] {
                  around_.check(index, Guarded([this, index](const std::optional<std::string>& reason) {
                                  OnCheck(index, reason);
                                }));
                }));
}

void Fleet::OnCheck(size_t index, const std::optional<std::string>& reason) {
  Server& server = servers_[index];
  if (reason) {
    server.reason = *reason;
    GiveUpWaiting();
    return ScheduleCheck(index);
  }
  server.healthy = true;
  server.failures = 0;
  // Starts gently: with half of the requests that are possible.
  int demand = static_cast<int>(stranded_.size());
  for (const Server& any : servers_) demand += any.in_flight + static_cast<int>(any.queue.size());
  server.limit.OnOverload(std::max(demand, 2), around_.now_ms());
  down_since_ms_.reset();
  spdlog::info("{}: is back", options_.addresses[index]);
  std::list<Place*> waiting;
  waiting.swap(stranded_);
  for (Place* place : waiting) Assign(*place);
  ScheduleServe();
}

void Fleet::GiveUpWaiting() {
  if (!down_since_ms_ || around_.now_ms() - *down_since_ms_ < options_.patience_ms) return;
  std::string who;
  for (size_t i = 0; i < servers_.size(); ++i) {
    who += fmt::format("{}{}: {}", i == 0 ? "" : "; ", options_.addresses[i], servers_[i].reason);
  }
  while (!stranded_.empty()) {
    Place& place = *stranded_.front();
    stranded_.pop_front();
    place.queue_ = nullptr;
    const Entered entered = std::move(place.entered_);
    entered(Fail(ErrorCode::kUnavailable,
                 fmt::format("no server has answered for {} s: {}", options_.patience_ms / 1000, who)));
  }
}

}  // namespace tessy
