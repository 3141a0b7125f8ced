#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace tessy {

// A test's thread as the thread that drives clients and models: what they post runs in RunUntil.
class TestLoop {
 public:
  auto Post() {
    return [this](std::function<void()> call) { boost::asio::post(io_, std::move(call)); };
  }
  auto Delay() {
    return [this](int64_t milliseconds, std::function<void()> call) {
      auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(milliseconds));
      timer->async_wait([timer, call = std::move(call)](const boost::system::error_code&) { call(); });
    };
  }
  // Runs until it is so; false after so many seconds.
  template <class F>
  bool RunUntil(F done, int seconds = 20) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!done() && std::chrono::steady_clock::now() < until) {
      io_.restart();  // it stops where nothing is left to do
      if (io_.run_one_for(std::chrono::milliseconds(20)) == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return done();
  }

 private:
  boost::asio::io_context io_{1};
};

}  // namespace tessy
