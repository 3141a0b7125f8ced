#include "model/llama/numerics.h"

#include <atomic>
#include <cstdint>

namespace {
std::atomic<bool> batch_invariant{false};
}

struct ggml_compute_params;

// The linker sends ggml's calls of llamafile_sgemm here (--wrap, see CMakeLists.txt): one build of llama.cpp
// serves both arithmetics, and its source stays as it is. Declining a product makes ggml take its own kernel.
extern "C" {
bool __real_llamafile_sgemm(const ggml_compute_params* params, int64_t m, int64_t n, int64_t k, const void* a,
                            int64_t lda, const void* b, int64_t ldb, void* c, int64_t ldc, int a_type,
                            int b_type, int c_type);
bool __wrap_llamafile_sgemm(const ggml_compute_params* params, int64_t m, int64_t n, int64_t k, const void* a,
                            int64_t lda, const void* b, int64_t ldb, void* c, int64_t ldc, int a_type,
                            int b_type, int c_type) {
  if (batch_invariant.load(std::memory_order_relaxed)) return false;
  return __real_llamafile_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
}
}

namespace tessy {

void SetBatchInvariant(bool on) { batch_invariant.store(on, std::memory_order_relaxed); }
bool IsBatchInvariant() { return batch_invariant.load(std::memory_order_relaxed); }

}  // namespace tessy
