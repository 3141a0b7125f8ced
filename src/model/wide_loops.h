#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tessy {

// exp(x) below this adds nothing to a sum of probabilities in double precision.
inline constexpr double kNegligibleLogit = -46.0;

// The bins of WideDraw: of equal width in the scaled logit, from 0 (the best entry) down to kNegligibleLogit.
inline constexpr size_t kWideBins = 1024;
// Their sums stand in so many histograms, one behind the other with this stride, and have to be added up:
// neighbouring entries often share a bin, and additions to different histograms need not wait for one
// another.
inline constexpr size_t kWideHistograms = 4;
inline constexpr size_t kWideBinStride = kWideBins + 8;

// ApproximateTotal is within this share of Total.
inline constexpr double kApproximateShare = 1e-4;

// The weight of one entry, exp of its scaled logit: (logit - best) / temperature, where `rate` is
// 1 / temperature. 0 where it is no number, or where the scaled logit is not above kNegligibleLogit. Pure.
double WideWeight(float logit, double best, double rate);

// The loops over all entries of a vocabulary, compiled for one kind of processor. All kinds give the same
// results to the last bit: they add in the same order, and nothing is fused. Weights as WideWeight, whose
// arguments `best` and `rate` are. Pure; any thread.
struct WideLoops {
  const char* name;  // "baseline", "avx2", "avx512"
  // The largest logit that is a number; minus infinity if there is none.
  float (*largest)(std::span<const float> logits);
  // The sum of the weights.
  double (*total)(std::span<const float> logits, double best, double rate);
  // The same in single precision and in half the time.
  double (*approximate_total)(std::span<const float> logits, float best, float rate);
  // Appends the ids of all entries of at least this logit, in ascending order.
  void (*gather)(std::span<const float> logits, double least, std::vector<int32_t>& ids);
  // Writes the bin of each entry, and adds its weight to the sum of that bin. `bins` has an element for each
  // logit, `sums` has kWideHistograms * kWideBinStride, which are 0 at first.
  void (*fill)(std::span<const float> logits, double best, double rate, std::span<uint16_t> bins,
               std::span<double> sums);
};

// Those that this processor can run, the slowest first. Never empty.
std::span<const WideLoops> UsableWideLoops();

// The last of them; found once.
const WideLoops& FastestWideLoops();

}  // namespace tessy
