#include "model/llama/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"

namespace tessy {
namespace {

constexpr uint64_t kConcurrencyDefault = 64;
// The part of its context that a sample holds when nothing is known of it.
constexpr size_t kContextShare = 4;

struct Sums {
  uint64_t weights = 0;
  uint64_t per_sample = 0;
  uint64_t per_token = 0;
};

Sums SumsOf(const std::vector<MemoryPlan::Line>& lines) {
  Sums sums;
  for (const MemoryPlan::Line& line : lines) {
    sums.weights += line.weights;
    sums.per_sample += line.cache_per_sample;
    sums.per_token += line.cache_per_token;
  }
  return sums;
}

// The samples that fit when each of them may hold so many tokens.
uint64_t Fitting(const Sums& sums, size_t tokens, uint64_t budget) {
  const uint64_t one = sums.per_sample + sums.per_token * tokens;
  return budget > sums.weights && one > 0 ? (budget - sums.weights) / one : 0;
}

// The samples that fit when all of them share what is left beside one whole sample's cache.
uint64_t FittingBesideOne(const Sums& sums, size_t context_tokens, uint64_t budget) {
  const uint64_t taken = sums.weights + sums.per_token * context_tokens;
  if (budget < taken + sums.per_sample) return 0;
  return sums.per_sample == 0 ? UINT64_MAX : (budget - taken) / sums.per_sample;
}

// A cast without models in process takes nothing, however many samples there are.
size_t PoolOf(const Sums& sums, uint64_t places, size_t context_tokens, uint64_t budget) {
  const size_t all = places * context_tokens;
  if (sums.per_token == 0) return all;
  const uint64_t taken = sums.weights + places * sums.per_sample;
  return std::min<size_t>(all, budget > taken ? (budget - taken) / sums.per_token : 0);
}

}  // namespace

uint64_t MemoryPlan::total() const {
  const Sums sums = SumsOf(lines);
  return sums.weights + sums.per_sample * static_cast<uint64_t>(concurrency) + sums.per_token * pool_tokens;
}

std::string MemoryPlan::Describe() const {
  std::string out;
  for (const Line& line : lines) {
    const uint64_t cache =
        line.cache_per_sample * static_cast<uint64_t>(concurrency) + line.cache_per_token * pool_tokens;
    out += fmt::format("{}{} {} + {}", out.empty() ? "" : ", ", line.what, FormatBytes(line.weights),
                       FormatBytes(cache));
  }
  const std::string pool = holds_all() ? "" : fmt::format(", which share room for {} tokens", pool_tokens);
  return fmt::format("{} at a time, context {}{}; weights + cache when full: {}; {} at most of {}",
                     Counted(static_cast<uint64_t>(concurrency), "sample"), context_tokens, pool, out,
                     FormatBytes(total()), FormatBytes(budget));
}

Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              uint64_t budget, uint64_t samples) {
  const Sums sums = SumsOf(lines);
  uint64_t places = concurrency > 0 ? static_cast<uint64_t>(concurrency) : kConcurrencyDefault;
  if (samples > 0) places = std::min(places, samples);
  MemoryPlan plan{.lines = std::move(lines),
                  .concurrency = static_cast<int>(places),
                  .context_tokens = context_tokens,
                  .pool_tokens = places * context_tokens,
                  .budget = budget};
  if (plan.total() <= budget) return plan;
  const uint64_t most = FittingBesideOne(sums, context_tokens, budget);
  if (most == 0 || (concurrency > 0 && most < places)) {
    plan.concurrency = most == 0 ? 1 : plan.concurrency;
    plan.pool_tokens = context_tokens;
    const std::string advice =
        most == 0 ? "not even one sample fits: raise --memory, lower --context, or take smaller models"
                  : fmt::format("lower --concurrency (at most {} fit) or --context, or raise --memory", most);
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("does not fit in memory: {}; {}", plan.Describe(), advice));
  }
  if (concurrency == 0) {
    const size_t expected = std::max<size_t>(1, context_tokens / kContextShare);
    places = std::clamp<uint64_t>(Fitting(sums, expected, budget), 1, std::min(places, most));
  }
  plan.concurrency = static_cast<int>(places);
  plan.pool_tokens = PoolOf(sums, places, context_tokens, budget);
  return plan;
}

}  // namespace tessy
