#pragma once

#include <mutex>
#include <shared_mutex>

namespace tessy {

// A shared mutex whose writers wait no longer than for those readers who came before them. (std::shared_mutex
// may let readers in for as long as any of them holds it.) For std::shared_lock and std::unique_lock.
class FairMutex {
 public:
  void lock() {
    const std::lock_guard gate(gate_);
    inner_.lock();
  }
  void unlock() { inner_.unlock(); }
  void lock_shared() {
    { const std::lock_guard gate(gate_); }
    inner_.lock_shared();
  }
  void unlock_shared() { inner_.unlock_shared(); }

 private:
  std::mutex gate_;  // readers pass it, a writer waits in it
  std::shared_mutex inner_;
};

}  // namespace tessy
