#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// How many requests a server is given at a time: one more for every round of requests that it served, half as
// many when it says that it has too many (additive increase, multiplicative decrease: Chiu and Jain, Computer
// Networks and ISDN Systems 17, 1989). Starts at its maximum. Value type.
class AdaptiveLimit {
 public:
  explicit AdaptiveLimit(int maximum) : maximum_(maximum), limit_(maximum) {}
  int current() const { return static_cast<int>(limit_); }
  void OnSuccess();
  // Refusals that come within a second of the last one that counted are of the same burst.
  void OnOverload(int in_flight, int64_t now_ms);

 private:
  int maximum_;
  double limit_;
  int64_t lowered_at_ms_ = INT64_MIN / 2;
};

// The servers that stand for one model: says which session may ask which server now.
//  - A session keeps to one server (rendezvous hashing: Thaler and Ravishankar, IEEE/ACM Trans. Networking 6,
//    1998), so that its cache serves it; it moves only where that server fails.
//  - A server that fails `failures_max` times in a row is asked nothing more until a check says it is back.
//  - If no server is left, sessions wait; after `patience_ms` all of them get kUnavailable.
// Driven by one thread. Knows no sockets and no clock: its owner passes both in as functions.
class Fleet {
 public:
  struct Options {
    std::vector<std::string> addresses;  // for messages and for the hash; at least one
    int requests_max = 4096;             // at a time, to one server
    int failures_max = 3;
    int64_t patience_ms = 600'000;
    int64_t check_pause_ms = 250;  // before a server is checked; doubled for each check in vain
    int64_t check_pause_max_ms = 5'000;
  };
  struct Surroundings {
    std::function<int64_t()> now_ms;  // steady
    std::function<void(std::function<void()>)> post;
    std::function<void(int64_t milliseconds, std::function<void()>)> delay;
    // Is the server there, and is it the right one? Answers later, with the reason if it is not.
    std::function<void(size_t server, std::function<void(std::optional<std::string>)>)> check;
  };
  // Called with the server that may be asked now, or with an error if no server answers.
  using Entered = std::function<void(Result<size_t> server)>;

  // A session's turn with a server: waited for, then held for the length of a request. Destroying it gives
  // the turn back. The fleet must outlive it.
  class Place {
   public:
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // How the request went: one of these, once, while the turn is held; none if the request tells nothing
    // about the server.
    void Succeeded();
    void Overloaded(int64_t retry_after_ms);
    void Failed(const std::string& reason);

   private:
    friend class Fleet;
    Place() = default;
    Fleet* fleet_ = nullptr;
    uint64_t key_ = 0;
    Entered entered_;
    std::optional<size_t> server_;
    bool held_ = false;
    std::list<Place*>* queue_ = nullptr;  // where it waits
    std::list<Place*>::iterator at_;
  };

  struct Counts {
    uint64_t overloads = 0;  // requests refused with 429 or 503
    uint64_t outages = 0;    // times that a server was given up for a while
  };

  Fleet(Options options, Surroundings surroundings);
  ~Fleet();

  // Asks for a turn; `entered` comes later, never inside this call.
  std::unique_ptr<Place> Enter(uint64_t key, Entered entered);
  // Notes, before the first Enter, that this server did not answer.
  void MarkDown(size_t server, const std::string& reason);

  size_t size() const { return servers_.size(); }
  const std::string& address(size_t server) const { return options_.addresses[server]; }
  bool healthy(size_t server) const { return servers_[server].healthy; }
  int limit(size_t server) const { return servers_[server].limit.current(); }
  const Counts& counts() const { return counts_; }

 private:
  struct Server {
    explicit Server(int maximum) : limit(maximum) {}
    AdaptiveLimit limit;
    bool healthy = true;
    int in_flight = 0;
    int failures = 0;
    int64_t paused_until_ms = 0;
    int64_t check_pause_ms = 0;
    std::string reason = {};  // why it is not healthy
    std::list<Place*> queue = {};
  };

  void Assign(Place& place);
  void Leave(Place& place);
  void ScheduleServe();
  void Serve();
  void ServeOne(Server& server, size_t index);
  void TakeDown(size_t index, const std::string& reason);
  void ScheduleCheck(size_t index);
  void OnCheck(size_t index, const std::optional<std::string>& reason);
  bool AnyHealthy() const;
  void GiveUpWaiting();
  // Callbacks that come when the fleet is gone do nothing.
  template <class F>
  auto Guarded(F f) {
    return [alive = std::weak_ptr<int>(alive_), f = std::move(f)](auto&&... arguments) {
      if (!alive.expired()) f(std::forward<decltype(arguments)>(arguments)...);
    };
  }

  Options options_;
  Surroundings around_;
  std::vector<Server> servers_;
  std::list<Place*> stranded_;  // wait for any server
  std::optional<int64_t> down_since_ms_;
  bool serve_scheduled_ = false;
  Counts counts_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tessy
