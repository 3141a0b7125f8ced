#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace tessy {

inline std::chrono::steady_clock::duration Milliseconds(double ms) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double, std::milli>(ms));
}

// An io context for a thread of its own, and counts that any thread may read. Its owner starts and joins the
// thread.
template <class Counts>
struct CountingLoop {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
  mutable std::mutex mutex;
  Counts counts;  // guarded by mutex

  template <class F>
  void Count(F&& change) {
    const std::lock_guard lock(mutex);
    std::forward<F>(change)(counts);
  }
  // Runs it on the thread, and waits.
  template <class F>
  void Await(F&& call) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
};

}  // namespace tessy
