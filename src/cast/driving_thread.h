#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

namespace tessy {

// How engines and servers reach the one thread that drives a run. All calls that a cast makes of its callers
// are made on that thread.
struct DrivingThread {
  // Runs a call on the driving thread, later. May be called from any thread, until the cast is gone.
  std::function<void(std::function<void()> call)> post;
  // Runs a call on the driving thread after so many milliseconds. Is called on the driving thread. Only casts
  // with servers need it.
  std::function<void(int64_t milliseconds, std::function<void()> call)> delay = {};
};

// The thread that runs `io`, which must outlive the cast.
DrivingThread DrivenBy(boost::asio::io_context& io);

}  // namespace tessy
