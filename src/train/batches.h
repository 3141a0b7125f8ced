#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tessy {

// The batches of an epoch, each a list of examples by index. Every example occurs once, in an order that
// depends on seed and epoch alone. Examples of similar length come together, so that little is padded: they
// are shuffled, sorted by length within pools of `kPoolBatches` batches, and cut into batches, which are
// shuffled. The last batch may be short. Pure.
inline constexpr size_t kPoolBatches = 16;
std::vector<std::vector<size_t>> BatchesOf(std::span<const size_t> lengths, size_t batch, uint64_t seed,
                                           uint64_t epoch);

// Splits a batch into parts that go through the model at once, longest first. Each part has at most
// `tokens_max` tokens, padding included, or is one example. Pure.
std::vector<std::vector<size_t>> MicroBatchesOf(std::span<const size_t> lengths, std::vector<size_t> batch,
                                                size_t tokens_max);

// The learning rate of a step (counted from 0) as a share of the peak. It rises linearly over
// `warmup_steps`; then it stays, or falls by a half cosine to `floor` at the last step (Loshchilov, Hutter,
// "SGDR", arXiv 1608.03983, without restarts). Pure.
struct RateSchedule {
  uint64_t steps = 0;
  uint64_t warmup_steps = 0;
  bool cosine = false;
  double floor = 0.0;
};
double RateAt(const RateSchedule& schedule, uint64_t step);

}  // namespace tessy
