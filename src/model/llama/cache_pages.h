#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct ggml_backend_buffer;
struct ggml_context;

namespace tessy {

// The attention cache of one llama.cpp context, where it lies in this machine's memory. llama.cpp takes the
// whole context of every sequence at once, and fills it with zeros. A cache that is made within Collect is a
// reserved range of addresses instead, however large: it takes memory as tokens are computed, and gives it
// back by Release. Its contents are the same. Must outlive the context. One thread at a time.
class CachePages {
 public:
  CachePages() = default;
  ~CachePages();
  CachePages(const CachePages&) = delete;
  CachePages& operator=(const CachePages&) = delete;

  // Runs `make`, which makes a llama.cpp context on this thread, and holds the caches of it. May be called
  // once. `huge_pages`: the system may back large places by them. Not where attention keeps its values
  // transposed (without flash attention): each token then touches every page of its place that is so large.
  void Collect(bool huge_pages, const std::function<void()>& make);
  // Gives back the memory of one sequence's place; the entries of the place are zeros afterwards. Does
  // nothing where the sequences of the context share one place (a unified cache) or the cache is on a device.
  // Must not be called while the context computes.
  void Release(int sequence) const;
  // The memory that the caches take now, in bytes, by whole pages. Slow: for tests.
  size_t ResidentBytes() const;

  // For the calls of llama.cpp that the linker sends here. Null on threads that collect nothing.
  static CachePages* Collecting();
  // A buffer with all tensors of `tensors`; null where they are not an attention cache, or there are no
  // addresses left.
  ggml_backend_buffer* Allocate(ggml_context& tensors);
  bool Owns(const ggml_backend_buffer& buffer) const;

 private:
  struct Range {
    const ggml_backend_buffer* buffer;
    std::byte* begin;
    size_t size;
  };
  struct Tensor {
    std::byte* begin;
    size_t place_bytes;
    int places;
  };
  bool huge_pages_ = true;
  std::vector<Range> ranges_;
  std::vector<Tensor> tensors_;
};

}  // namespace tessy
