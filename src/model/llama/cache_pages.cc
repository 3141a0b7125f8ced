#include "model/llama/cache_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "ggml-backend.h"
#include "ggml.h"

namespace tessy {
namespace {

thread_local CachePages* collecting = nullptr;

// A place that is smaller than a few huge pages would take most of them for nothing.
constexpr size_t kHugePagesFrom = size_t{16} << 20;

size_t PageBytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

size_t RoundedUp(size_t size) { return (size + PageBytes() - 1) / PageBytes() * PageBytes(); }

bool IsAttentionCache(const ggml_tensor& tensor) {
  const std::string_view name = ggml_get_name(&tensor);
  return name.starts_with("cache_") &&
         (name.find("k_l") != std::string_view::npos || name.find("v_l") != std::string_view::npos);
}

// Tensors that are no view of another.
std::vector<ggml_tensor*> OwnTensors(ggml_context& context) {
  std::vector<ggml_tensor*> own;
  for (ggml_tensor* t = ggml_get_first_tensor(&context); t != nullptr;
       t = ggml_get_next_tensor(&context, t)) {
    if (t->view_src == nullptr) own.push_back(t);
  }
  return own;
}

void InitialiseViews(ggml_context& context) {
  for (ggml_tensor* t = ggml_get_first_tensor(&context); t != nullptr;
       t = ggml_get_next_tensor(&context, t)) {
    if (t->view_src != nullptr) TESSY_CHECK(ggml_backend_view_init(t) == GGML_STATUS_SUCCESS);
  }
}

}  // namespace

CachePages::~CachePages() {
  for (const Range& range : ranges_) munmap(range.begin, range.size);
}

CachePages* CachePages::Collecting() { return collecting; }

void CachePages::Collect(bool huge_pages, const std::function<void()>& make) {
  TESSY_CHECK(collecting == nullptr && ranges_.empty());
  huge_pages_ = huge_pages;
  collecting = this;
  make();
  collecting = nullptr;
}

ggml_backend_buffer* CachePages::Allocate(ggml_context& tensors) {
  const std::vector<ggml_tensor*> own = OwnTensors(tensors);
  const bool is_cache = !own.empty() && std::ranges::all_of(own, [](const ggml_tensor* tensor) {
    return tensor->data == nullptr && IsAttentionCache(*tensor);
  });
  if (!is_cache) return nullptr;
  size_t size = 0;
  bool small = !huge_pages_;
  for (const ggml_tensor* tensor : own) {
    size += RoundedUp(ggml_nbytes(tensor));
    small = small || tensor->nb[2] < kHugePagesFrom;
  }
  // Not backed by memory yet, and no system that overcommits refuses it for its size.
  void* const mapped =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (small) madvise(mapped, size, MADV_NOHUGEPAGE);  // where the system has none, nothing is to be done
  auto* at = static_cast<std::byte*>(mapped);
  ggml_backend_buffer* const buffer = ggml_backend_cpu_buffer_from_ptr(mapped, size);
  ranges_.push_back({.buffer = buffer, .begin = at, .size = size});
  for (ggml_tensor* tensor : own) {
    TESSY_CHECK(ggml_backend_tensor_alloc(buffer, tensor, at) == GGML_STATUS_SUCCESS);
    tensors_.push_back(
        {.begin = at, .place_bytes = tensor->nb[2], .places = static_cast<int>(tensor->ne[2])});
    at += RoundedUp(ggml_nbytes(tensor));
  }
  InitialiseViews(tensors);
  return buffer;
}

bool CachePages::Owns(const ggml_backend_buffer& buffer) const {
  return std::ranges::find(ranges_, &buffer, &Range::buffer) != ranges_.end();
}

void CachePages::Release(int sequence) const {
  for (const Tensor& tensor : tensors_) {
    if (tensor.places <= 1 || sequence >= tensor.places) continue;
    // Pages that two places share stay.
    const auto begin =
        reinterpret_cast<uintptr_t>(tensor.begin) + static_cast<size_t>(sequence) * tensor.place_bytes;
    const uintptr_t first = RoundedUp(begin);
    const uintptr_t last = (begin + tensor.place_bytes) / PageBytes() * PageBytes();
    if (first < last)
      madvise(tensor.begin + (first - reinterpret_cast<uintptr_t>(tensor.begin)), last - first,
              MADV_DONTNEED);
  }
}

size_t CachePages::ResidentBytes() const {
  size_t resident = 0;
  for (const Range& range : ranges_) {
    std::vector<unsigned char> in_memory(range.size / PageBytes());
    if (mincore(range.begin, range.size, in_memory.data()) != 0) continue;
    for (const unsigned char page : in_memory) resident += (page & 1U) != 0 ? PageBytes() : 0;
  }
  return resident;
}

}  // namespace tessy

// The linker sends llama.cpp's calls of these two here (--wrap, see CMakeLists.txt), so that its source stays
// as it is.
extern "C" {
ggml_backend_buffer_t __real_ggml_backend_alloc_ctx_tensors_from_buft(ggml_context* tensors,
                                                                      ggml_backend_buffer_type_t type);
ggml_backend_buffer_t __wrap_ggml_backend_alloc_ctx_tensors_from_buft(ggml_context* tensors,
                                                                      ggml_backend_buffer_type_t type) {
  tessy::CachePages* pages = tessy::CachePages::Collecting();
  if (pages != nullptr && type == ggml_backend_cpu_buffer_type()) {
    if (ggml_backend_buffer_t buffer = pages->Allocate(*tensors)) return buffer;
  }
  return __real_ggml_backend_alloc_ctx_tensors_from_buft(tensors, type);
}

void __real_ggml_backend_buffer_clear(ggml_backend_buffer_t buffer, uint8_t value);
void __wrap_ggml_backend_buffer_clear(ggml_backend_buffer_t buffer, uint8_t value) {
  const tessy::CachePages* pages = tessy::CachePages::Collecting();
  if (value == 0 && pages != nullptr && pages->Owns(*buffer)) return;  // it is zeros already
  __real_ggml_backend_buffer_clear(buffer, value);
}
}
