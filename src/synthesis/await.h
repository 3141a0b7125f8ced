#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "base/error.h"

namespace tessy {

// Ports call back; the coroutine waits. `start` gets the callback, which it may call later, once.
template <class T, class Start>
boost::asio::awaitable<Result<T>> Await(Start start) {
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(Result<T>)>(
      [&start](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        start([shared](Result<T> result) { std::move (*shared)(std::move(result)); });
      },
      boost::asio::use_awaitable);
}

}  // namespace tessy
