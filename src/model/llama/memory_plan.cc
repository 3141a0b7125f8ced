#include "model/llama/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"

namespace tessy {
namespace {

constexpr int kConcurrencyDefault = 64;

}  // namespace

uint64_t MemoryPlan::total() const {
  uint64_t bytes = 0;
  for (const Line& line : lines) {
    bytes += line.weights + line.cache_per_sample * static_cast<uint64_t>(concurrency);
  }
  return bytes;
}

std::string MemoryPlan::Describe() const {
  std::string out;
  for (const Line& line : lines) {
    out += fmt::format("{}{} {} + {} x {}", out.empty() ? "" : "; ", line.what, FormatBytes(line.weights),
                       concurrency, FormatBytes(line.cache_per_sample));
  }
  return fmt::format("{} at a time, context {}: {}; {} in all of {}",
                     Counted(static_cast<uint64_t>(concurrency), "sample"), context_tokens, out,
                     FormatBytes(total()), FormatBytes(budget));
}

Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              uint64_t budget, uint64_t samples) {
  const auto within_work = [samples](int most) {
    return samples == 0 ? most : static_cast<int>(std::min<uint64_t>(samples, static_cast<uint64_t>(most)));
  };
  MemoryPlan plan{
      .lines = std::move(lines), .concurrency = 0, .context_tokens = context_tokens, .budget = budget};
  const uint64_t weights = plan.total();
  plan.concurrency = 1;
  const uint64_t one = plan.total() - weights;
  plan.concurrency = within_work(concurrency > 0 ? concurrency : kConcurrencyDefault);
  if (plan.total() <= budget) return plan;
  const uint64_t fits = budget > weights && one > 0 ? (budget - weights) / one : 0;
  if (concurrency > 0 || fits == 0) {
    const std::string advice =
        fits == 0
            ? "not even one sample fits: raise --memory, lower --context, or take smaller models"
            : fmt::format("lower --concurrency (at most {} would fit) or --context, or raise --memory", fits);
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("does not fit in memory: {}; {}", plan.Describe(), advice));
  }
  plan.concurrency = within_work(static_cast<int>(std::min<uint64_t>(fits, kConcurrencyDefault)));
  return plan;
}

}  // namespace tessy
