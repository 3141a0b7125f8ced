#include "model/llama/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "model/llama/engine.h"

namespace tessy {
namespace {

using Share = MemoryPlan::Share;
using Line = MemoryPlan::Line;

constexpr uint64_t kConcurrencyDefault = 64;
// The part of its context that a sample holds when nothing is known of it.
constexpr size_t kContextShare = 4;
constexpr uint64_t kSamplesOfEngine = Engine::kSequencesMax;

Share Sum(const std::vector<Line>& lines, Share Line::*place) {
  Share sum;
  for (const Line& line : lines) {
    sum.weights += (line.*place).weights;
    sum.cache_per_sample += (line.*place).cache_per_sample;
    sum.cache_per_token += (line.*place).cache_per_token;
  }
  return sum;
}

uint64_t CacheOf(const Share& share, const MemoryPlan& plan) {
  return share.cache_per_sample * static_cast<uint64_t>(plan.concurrency) +
         share.cache_per_token * plan.pool_tokens;
}

uint64_t Left(uint64_t budget, uint64_t taken) { return budget - std::min(budget, taken); }

// One place with what is left of its budget.
struct Room {
  Share share;
  bool holds_weights;
  uint64_t bytes;  // beside the weights

  // The samples that fit when each of them may hold so many tokens.
  uint64_t Fitting(size_t tokens) const {
    const uint64_t one = share.cache_per_sample + share.cache_per_token * tokens;
    return one == 0 ? UINT64_MAX : bytes / one;
  }
  // The samples that fit when all of them share what is left beside one whole sample's tokens.
  uint64_t FittingBesideOne(size_t context_tokens) const {
    const uint64_t tokens = share.cache_per_token * context_tokens;
    if (!holds_weights || bytes < tokens + share.cache_per_sample) return 0;
    return share.cache_per_sample == 0 ? UINT64_MAX : (bytes - tokens) / share.cache_per_sample;
  }
  // The tokens that so many samples share.
  size_t Pool(uint64_t samples) const {
    if (share.cache_per_token == 0) return SIZE_MAX;
    return Left(bytes, samples * share.cache_per_sample) / share.cache_per_token;
  }
};

struct Rooms {
  Room ram, device;

  uint64_t Fitting(size_t tokens) const { return std::min(ram.Fitting(tokens), device.Fitting(tokens)); }
  uint64_t FittingBesideOne(size_t context_tokens) const {
    return std::min(ram.FittingBesideOne(context_tokens), device.FittingBesideOne(context_tokens));
  }
  size_t Pool(uint64_t samples) const { return std::min(ram.Pool(samples), device.Pool(samples)); }
};

Room RoomOf(const Share& share, uint64_t budget) {
  return {.share = share, .holds_weights = share.weights <= budget, .bytes = Left(budget, share.weights)};
}

std::string Table(const MemoryPlan& plan, Share Line::*place) {
  std::string out;
  for (const Line& line : plan.lines) {
    const Share& share = line.*place;
    if (share.weights + CacheOf(share, plan) == 0) continue;
    out += fmt::format("{}{} {} + {}", out.empty() ? "" : ", ", line.what, FormatBytes(share.weights),
                       FormatBytes(CacheOf(share, plan)));
  }
  return out;
}

}  // namespace

uint64_t MemoryPlan::ram() const {
  const Share sum = Sum(lines, &Line::ram);
  return sum.weights + CacheOf(sum, *this);
}

uint64_t MemoryPlan::device() const {
  const Share sum = Sum(lines, &Line::device);
  return sum.weights + CacheOf(sum, *this);
}

std::string MemoryPlan::Describe() const {
  std::string out = fmt::format("{} at a time, context {}",
                                Counted(static_cast<uint64_t>(concurrency), "sample"), context_tokens);
  if (!holds_all()) out += fmt::format(", which share room for {} tokens", pool_tokens);
  out += fmt::format("; weights + cache when full: {}; {} at most of {}", Table(*this, &Line::ram),
                     FormatBytes(ram()), FormatBytes(budget.ram));
  if (device() == 0) return out;
  return fmt::format("{}; on the device: {}; {}{}", out, Table(*this, &Line::device), FormatBytes(device()),
                     budget.device == UINT64_MAX ? "" : fmt::format(" of {}", FormatBytes(budget.device)));
}

Result<MemoryPlan> PlanMemory(std::vector<MemoryPlan::Line> lines, int concurrency, size_t context_tokens,
                              const MemoryPlan::Budget& budget, uint64_t samples) {
  const Rooms rooms{.ram = RoomOf(Sum(lines, &Line::ram), budget.ram),
                    .device = RoomOf(Sum(lines, &Line::device), budget.device)};
  uint64_t places = concurrency > 0 ? static_cast<uint64_t>(concurrency) : kConcurrencyDefault;
  if (samples > 0) places = std::min(places, samples);
  MemoryPlan plan{.lines = std::move(lines),
                  .concurrency = static_cast<int>(places),
                  .context_tokens = context_tokens,
                  .pool_tokens = places * context_tokens,
                  .budget = budget};
  if (plan.fits()) return plan;
  // Each engine's pool holds one whole sample.
  const uint64_t engines = (places + kSamplesOfEngine - 1) / kSamplesOfEngine;
  uint64_t most = rooms.FittingBesideOne(engines * context_tokens);
  if (most == 0) most = std::min(kSamplesOfEngine, rooms.FittingBesideOne(context_tokens));
  plan.pool_tokens = engines * context_tokens;
  if (most == 0 || (concurrency > 0 && most < places)) {
    plan.concurrency = most == 0 ? 1 : plan.concurrency;
    const std::string advice =
        most == 0 ? "not even one sample fits: raise --memory, lower --context, or take smaller models"
                  : fmt::format("lower --concurrency (at most {} fit) or --context, or raise --memory", most);
    return Fail(ErrorCode::kResourceLimit,
                fmt::format("does not fit in memory: {}; {}", plan.Describe(), advice));
  }
  if (concurrency == 0) {
    const size_t expected = std::max<size_t>(1, context_tokens / kContextShare);
    places = std::clamp<uint64_t>(rooms.Fitting(expected), 1, std::min(places, most));
  }
  plan.concurrency = static_cast<int>(places);
  plan.pool_tokens = std::min<size_t>(places * context_tokens, rooms.Pool(places));
  return plan;
}

}  // namespace tessy
