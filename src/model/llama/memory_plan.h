#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The memory of this machine and of its accelerators that the models of a run need. All sizes in bytes.
struct MemoryPlan {
  // In one place: the RAM, or all accelerators together.
  struct Share {
    uint64_t weights = 0;
    uint64_t cache_per_sample = 0;  // of a predictor's window
    uint64_t cache_per_token = 0;   // of a sample's tokens
  };
  struct Line {
    std::string what;  // "student", "teacher predictor"
    Share ram = {};
    Share device = {};
  };
  struct Budget {
    uint64_t ram = 0;
    uint64_t device = 0;
  };
  std::vector<Line> lines;
  int concurrency = 0;        // samples at a time
  size_t context_tokens = 0;  // of a sample
  size_t pool_tokens = 0;  // that all samples together hold; fewer than they could hold where memory is short
  Budget budget;

  // The RAM at most: a cache there takes memory as tokens are computed. On devices it is taken at once.
  uint64_t ram() const;
  uint64_t device() const;
  bool fits() const { return ram() <= budget.ram && device() <= budget.device; }
  // All samples can be full at once.
  bool holds_all() const { return pool_tokens >= static_cast<size_t>(concurrency) * context_tokens; }
  std::string Describe() const;  // one line
};

// Plans `concurrency` samples at a time; 0: at most 64, and no more than the budget has room for when a
// sample holds a quarter of its context, which few exceed. Never more than the `samples` that there are to
// write (0: not known). The budget always has room for one whole sample; where it has none for all, the
// samples share a pool (see Engine). kResourceLimit, with the figures and what to change, where that does not
// fit. Pure.
Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              const MemoryPlan::Budget& budget, uint64_t samples = 0);

}  // namespace tessy
