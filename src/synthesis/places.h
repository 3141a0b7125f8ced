#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>
#include <utility>

#include "base/error.h"
#include "synthesis/await.h"

namespace tessy {

// Limits how many texts are written at the same time. A sample holds one while a text of its own is written,
// and none while its response is judged. Those that wait get theirs in the order in which they asked. Not
// thread-safe: all calls on the thread that drives the run.
class Places {
 public:
  // `io` drives the run.
  Places(boost::asio::io_context& io, int count) : io_(io), free_(count) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  bool has_free() const { return free_ > 0; }

  // Holds a place from Take until it is gone.
  class Held {
   public:
    explicit Held(Places* places) : places_(places) {}
    Held(Held&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (places_ != nullptr) places_->Give();
    }

   private:
    Places* places_;
  };
  boost::asio::awaitable<Held> Take() {
    if (free_ > 0) {
      --free_;
    } else {
      co_await Await<bool>([this](auto done) { waiting_.push_back(std::move(done)); });
    }
    co_return Held(this);
  }

 private:
  void Give() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    boost::asio::post(io_, [next = std::move(next)] { next(true); });
  }

  boost::asio::io_context& io_;
  int free_;
  std::deque<std::function<void(Result<bool>)>> waiting_;
};

}  // namespace tessy
