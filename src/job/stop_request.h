#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <stop_token>

namespace tessy {

// A flag that says when work is to stop, for work that looks at it between its steps: a token was asked, or
// one of SIGINT, SIGTERM and SIGHUP came (unless it is ignored, as under nohup); the second of the same kind
// ends the process at once. The former signal handlers are back when the object goes. One object at a time
// may listen to signals.
class StopRequest {
 public:
  StopRequest(bool on_signals, const std::stop_token& token);
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  const std::atomic<bool>& flag() const { return stop_; }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

  std::atomic<bool> stop_{false};
  std::optional<std::stop_callback<std::function<void()>>> callback_;
  std::array<struct sigaction, kSignals.size()> former_{};
  bool watches_;
};

}  // namespace tessy
