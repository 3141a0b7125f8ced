#include "job/stop_request.h"

namespace tessy {
namespace {

std::atomic<std::atomic<bool>*> g_stop{nullptr};
static_assert(std::atomic<std::atomic<bool>*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void SetStop(int) {
  if (std::atomic<bool>* stop = g_stop) *stop = true;
}

}  // namespace

StopRequest::StopRequest(bool on_signals, const std::stop_token& token) : watches_(on_signals) {
  callback_.emplace(token, [this] { stop_ = true; });
  if (!watches_) return;
  g_stop = &stop_;
  struct sigaction action {};
  action.sa_handler = SetStop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends the process at once
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &former_[i]);
    if (former_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

StopRequest::~StopRequest() {
  if (!watches_) return;
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &former_[i], nullptr);
  g_stop = nullptr;
}

}  // namespace tessy
