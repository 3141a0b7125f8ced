#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace tessy {

// The memory of this machine that the models of a run need. All sizes in bytes.
struct MemoryPlan {
  struct Line {
    std::string what;  // "student", "teacher predictor"
    uint64_t weights = 0;
    uint64_t cache_per_sample = 0;
  };
  std::vector<Line> lines;
  int concurrency = 0;        // samples at a time
  size_t context_tokens = 0;  // of a sample
  uint64_t budget = 0;

  uint64_t total() const;
  std::string Describe() const;  // one line
};

// Plans `concurrency` samples at a time; 0: as many as the budget has room for, at most 64. Never more than
// the `samples` that there are to write (0: not known), because each place takes its memory when the engines
// start. kResourceLimit, with the figures and what to change, where that does not fit. Pure.
Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              uint64_t budget, uint64_t samples = 0);

}  // namespace tessy
