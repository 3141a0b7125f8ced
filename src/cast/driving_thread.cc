#include "cast/driving_thread.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

namespace tessy {

namespace asio = boost::asio;

DrivingThread DrivenBy(asio::io_context& io) {
  return {
      .post = [&io](std::function<void()> call) { asio::post(io, std::move(call)); },
      .delay =
          [&io](int64_t milliseconds, std::function<void()> call) {
            auto timer = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(milliseconds));
            timer->async_wait([timer, call = std::move(call)](const boost::system::error_code&) { call(); });
          }};
}

}  // namespace tessy
