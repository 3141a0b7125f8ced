#include "train/batches.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/random.h"

namespace tessy {
namespace {

enum Shuffle : uint64_t { kOfExamples, kOfBatches };

// The shuffle of Fisher and Yates, with one draw for every place.
template <class T>
void ShuffleBy(std::vector<T>& items, uint64_t key) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<size_t>(UniformAt(key, 0, i) * static_cast<double>(i))]);
  }
}

uint64_t KeyOf(uint64_t seed, uint64_t epoch, Shuffle what) {
  return HashParts(std::array<uint64_t, 3>{seed, epoch, what});
}

}  // namespace

std::vector<std::vector<size_t>> BatchesOf(std::span<const size_t> lengths, size_t batch, uint64_t seed,
                                           uint64_t epoch) {
  std::vector<size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), size_t{0});
  ShuffleBy(order, KeyOf(seed, epoch, kOfExamples));
  const size_t pool = batch * kPoolBatches;
  std::vector<std::vector<size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += pool) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + pool, order.size()));
    std::stable_sort(first, last, [&](size_t a, size_t b) { return lengths[a] < lengths[b]; });
    for (auto i = first; i < last;
         i += std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(batch), last - i)) {
      batches.emplace_back(i, i + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(batch), last - i));
    }
  }
  ShuffleBy(batches, KeyOf(seed, epoch, kOfBatches));
  return batches;
}

std::vector<std::vector<size_t>> MicroBatchesOf(std::span<const size_t> lengths, std::vector<size_t> batch,
                                                size_t tokens_max) {
  std::stable_sort(batch.begin(), batch.end(), [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<size_t>> parts;
  for (const size_t example : batch) {
    const bool fits =
        !parts.empty() && lengths[parts.back().front()] * (parts.back().size() + 1) <= tokens_max;
    if (!fits) parts.emplace_back();
    parts.back().push_back(example);
  }
  return parts;
}

double RateAt(const RateSchedule& schedule, uint64_t step) {
  if (step < schedule.warmup_steps) {
    return static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps);
  }
  if (!schedule.cosine) return 1.0;
  const double falling =
      static_cast<double>(schedule.steps - std::min(schedule.steps, schedule.warmup_steps));
  const double done =
      falling <= 1.0 ? 1.0
                     : std::min(1.0, static_cast<double>(step - schedule.warmup_steps) / (falling - 1.0));
  return schedule.floor + (1.0 - schedule.floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace tessy
