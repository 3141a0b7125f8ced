#include "model/wide_loops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace tessy {
namespace {

constexpr double kBinsPerUnit = static_cast<double>(kWideBins) / -kNegligibleLogit;
// Loops over so many entries at a time have a fixed number of steps, which the compiler turns into vector
// instructions.
constexpr size_t kLanes = 16;
constexpr size_t kBlock = 64;

// What follows is inlined into one function for each kind of processor, and compiled for it there.
#define TESSY_INLINED [[gnu::always_inline]] inline

// exp(x) for x in [-46, 0], to 3e-13 of it, which is what the order of a sum over a vocabulary makes of it,
// too: x = n ln 2 + r with |r| <= ln 2 / 2, then the series of exp(r) to its 10th power, times 2^n by adding
// n to the exponent. A function of the library would be called entry by entry; this one is computed for many
// entries at once.
TESSY_INLINED double Exp(double x) {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr double kLn2High =
      0x1.62e42fef00000p-1;  // ln 2 in two parts, the first short enough for n times it to be exact
  constexpr double kLn2Low = 0x1.473de6af278edp-34;
  constexpr double kRound =
      0x1.8p52;  // adding it rounds to a whole number, which then stands in the low bits
  const double shifted = x * kLog2E + kRound;
  const double n = shifted - kRound;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  return std::bit_cast<double>(std::bit_cast<uint64_t>(sum) + (std::bit_cast<uint64_t>(shifted) << 52U));
}

// The same in single precision, to 1e-6 of it and what rounding makes of x, with the series to its 6th power.
TESSY_INLINED float Exp(float x) {
  constexpr float kLog2E = 0x1.715476p+0F;
  constexpr float kLn2High = 0x1.62e000p-1F;
  constexpr float kLn2Low = 0x1.0bfbe8p-15F;
  constexpr float kRound = 0x1.8p23F;
  const float shifted = x * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float sum = 1.0F / 720.0F;
  sum = sum * r + 1.0F / 120.0F;
  sum = sum * r + 1.0F / 24.0F;
  sum = sum * r + 1.0F / 6.0F;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(sum) + (std::bit_cast<uint32_t>(shifted) << 23U));
}

// (logit - best) / temperature, or what is negligible where it is less or no number.
TESSY_INLINED double Scaled(float logit, double best, double rate) {
  const double x = (double{logit} - best) * rate;
  return x >= kNegligibleLogit ? x : kNegligibleLogit;
}

// The exponential is computed for all entries: a branch would keep the loop from being turned into vectors.
TESSY_INLINED double Weight(double scaled) {
  const double weight = Exp(scaled);
  return scaled > kNegligibleLogit ? weight : 0.0;
}

TESSY_INLINED float LargestOf(std::span<const float> logits) {
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    const float* at = logits.data() + i;
    for (size_t j = 0; j < kLanes; ++j) lanes[j] = at[j] > lanes[j] ? at[j] : lanes[j];
  }
  for (; i < logits.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  return *std::max_element(lanes.begin(), lanes.end());
}

TESSY_INLINED double TotalOf(std::span<const float> logits, double best, double rate) {
  std::array<double, kLanes> lanes{};
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    const float* at = logits.data() + i;
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += Weight(Scaled(at[j], best, rate));
  }
  double total = 0.0;
  for (const double lane : lanes) total += lane;
  for (; i < logits.size(); ++i) total += Weight(Scaled(logits[i], best, rate));
  return total;
}

// Sums in single precision are kept short, and their totals in double.
TESSY_INLINED double ApproximateTotalOf(std::span<const float> logits, float best, float rate) {
  constexpr float kNegligible = static_cast<float>(kNegligibleLogit);
  constexpr size_t kShort = 16 * kLanes;
  const auto weight = [ best, rate ](float logit) __attribute__((always_inline)) {
    const float x = (logit - best) * rate;
    const float scaled = x >= kNegligible ? x : kNegligible;
    const float exp = Exp(scaled);
    return scaled > kNegligible ? exp : 0.0F;
  };
  double total = 0.0;
  size_t i = 0;
  for (; i + kShort <= logits.size(); i += kShort) {
    std::array<float, kLanes> lanes{};
    for (size_t k = 0; k < kShort; k += kLanes) {
      const float* at = logits.data() + i + k;
      for (size_t j = 0; j < kLanes; ++j) lanes[j] += weight(at[j]);
    }
    for (const float lane : lanes) total += double{lane};
  }
  for (; i < logits.size(); ++i) total += double{weight(logits[i])};
  return total;
}

TESSY_INLINED void GatherFrom(std::span<const float> logits, float least, std::vector<int32_t>& ids) {
  // Few blocks have any: those are looked at entry by entry.
  size_t i = 0;
  for (; i + kBlock <= logits.size(); i += kBlock) {
    const float* at = logits.data() + i;
    int found = 0;
    for (size_t j = 0; j < kBlock; ++j) found |= at[j] >= least ? 1 : 0;
    if (found == 0) continue;
    for (size_t j = 0; j < kBlock; ++j) {
      if (at[j] >= least) ids.push_back(static_cast<int32_t>(i + j));
    }
  }
  for (; i < logits.size(); ++i) {
    if (logits[i] >= least) ids.push_back(static_cast<int32_t>(i));
  }
}

// A logit is at least this if and only if it is at least `least`.
TESSY_INLINED float FromBelow(double least) {
  const auto rounded = static_cast<float>(least);
  return double{rounded} < least ? std::nextafter(rounded, std::numeric_limits<float>::infinity()) : rounded;
}

TESSY_INLINED void FillFrom(std::span<const float> logits, double best, double rate,
                            std::span<uint16_t> bin_of, std::span<double> sums) {
  std::array<double, kBlock> weights;
  std::array<uint16_t, kBlock> bins;
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const size_t count = std::min(kBlock, logits.size() - begin);
    std::array<float, kBlock> block;
    if (count < kBlock) block.fill(-std::numeric_limits<float>::infinity());
    std::copy_n(logits.data() + begin, count, block.data());
    for (size_t j = 0; j < kBlock; ++j) {
      const double scaled = Scaled(block[j], best, rate);
      weights[j] = Weight(scaled);
      bins[j] = static_cast<uint16_t>(static_cast<int32_t>(scaled * -kBinsPerUnit));
    }
    for (size_t j = 0; j < kBlock; ++j) sums[(j % kWideHistograms) * kWideBinStride + bins[j]] += weights[j];
    std::copy_n(bins.data(), count, bin_of.data() + begin);
  }
}

// One function of each loop, compiled for the processors that `target` names.
#define TESSY_WIDE_LOOPS(kind, target)                                                                \
  namespace kind {                                                                                    \
  target float Largest(std::span<const float> logits) { return LargestOf(logits); }                   \
  target double Total(std::span<const float> logits, double best, double rate) {                      \
    return TotalOf(logits, best, rate);                                                               \
  }                                                                                                   \
  target double ApproximateTotal(std::span<const float> logits, float best, float rate) {             \
    return ApproximateTotalOf(logits, best, rate);                                                    \
  }                                                                                                   \
  target void Gather(std::span<const float> logits, double least, std::vector<int32_t>& ids) {        \
    GatherFrom(logits, FromBelow(least), ids);                                                        \
  }                                                                                                   \
  target void Fill(std::span<const float> logits, double best, double rate, std::span<uint16_t> bins, \
                   std::span<double> sums) {                                                          \
    FillFrom(logits, best, rate, bins, sums);                                                         \
  }                                                                                                   \
  constexpr WideLoops kLoops{.name = #kind,                                                           \
                             .largest = &Largest,                                                     \
                             .total = &Total,                                                         \
                             .approximate_total = &ApproximateTotal,                                  \
                             .gather = &Gather,                                                       \
                             .fill = &Fill};                                                          \
  }

TESSY_WIDE_LOOPS(baseline, )
#if defined(__x86_64__)
TESSY_WIDE_LOOPS(avx2, [[gnu::target("avx2")]])
#if defined(__clang__)
TESSY_WIDE_LOOPS(avx512, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]])
#else
TESSY_WIDE_LOOPS(avx512, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")]])
#endif
#endif

#undef TESSY_WIDE_LOOPS
#undef TESSY_INLINED

#if defined(__x86_64__)
constexpr std::array kAll{baseline::kLoops, avx2::kLoops, avx512::kLoops};

size_t UsableCount() {
  if (!__builtin_cpu_supports("avx2")) return 1;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? 3 : 2;
}
#else
constexpr std::array kAll{baseline::kLoops};

size_t UsableCount() { return 1; }
#endif

}  // namespace

double WideWeight(float logit, double best, double rate) { return Weight(Scaled(logit, best, rate)); }

std::span<const WideLoops> UsableWideLoops() { return std::span(kAll).first(UsableCount()); }

const WideLoops& FastestWideLoops() {
  static const WideLoops& fastest = UsableWideLoops().back();
  return fastest;
}

}  // namespace tessy
