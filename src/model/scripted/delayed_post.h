#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace tessy {

// Runs a function later on the thread that drives the run.
using Post = std::function<void(std::function<void()>)>;

// Posts `call`, and posts it again `hops` times when its turn comes, so that a test can make calls finish in
// any order. The call is dropped if `alive` is gone by the time it should run.
inline void PostDelayed(const Post& post, uint32_t hops, std::weak_ptr<bool> alive,
                        std::function<void()> call) {
  post([post, hops, alive = std::move(alive), call = std::move(call)]() mutable {
    if (alive.expired()) return;
    if (hops == 0) return call();
    PostDelayed(post, hops - 1, std::move(alive), std::move(call));
  });
}

}  // namespace tessy
