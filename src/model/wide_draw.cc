#include "model/wide_draw.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace tessy {
namespace {

constexpr size_t kBins = 1024;
constexpr double kBinsPerUnit = static_cast<double>(kBins) / -kNegligibleLogit;
// Loops over so many entries at a time have a fixed number of steps, which the compiler turns into vector
// instructions; their results are the same without.
constexpr size_t kLanes = 16;
constexpr size_t kBlock = 64;
// Neighbouring entries often share a bin; additions to different histograms need not wait for one another.
constexpr size_t kHistograms = 4;
constexpr size_t kBinStride = kBins + 8;

// exp(x) for x in [-46, 0], to 3e-13 of it, which is what the order of a sum over a vocabulary makes of it,
// too: x = n ln 2 + r with |r| <= ln 2 / 2, then the series of exp(r) to its 10th power, times 2^n by adding
// n to the exponent. A function of the library would be called entry by entry; this one is computed for many
// entries at once.
inline double Exp(double x) {
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
  for (const double term : {1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0,
                            1.0 / 6.0, 0.5, 1.0, 1.0}) {
    sum = sum * r + term;
  }
  return std::bit_cast<double>(std::bit_cast<uint64_t>(sum) + (std::bit_cast<uint64_t>(shifted) << 52U));
}

// (logit - best) / temperature, or what is negligible where it is less or no number.
inline double Scaled(float logit, double best, double rate) {
  const double x = (double{logit} - best) * rate;
  return x >= kNegligibleLogit ? x : kNegligibleLogit;
}

inline double Weight(double scaled) { return scaled > kNegligibleLogit ? Exp(scaled) : 0.0; }

inline size_t BinOf(double scaled) {
  return static_cast<size_t>(static_cast<int32_t>(scaled * -kBinsPerUnit));
}

}  // namespace

float LargestLogit(std::span<const float> logits) {
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

double WideDraw::Total(std::span<const float> logits, float best, float temperature) {
  const double rate = 1.0 / double{temperature};
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

double WideDraw::FillBins(std::span<const float> logits, double best, double rate) {
  sums_.assign(kHistograms * kBinStride, 0.0);
  bin_of_.resize(logits.size());
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
      bins[j] = static_cast<uint16_t>(BinOf(scaled));
    }
    for (size_t j = 0; j < kBlock; ++j) sums_[(j % kHistograms) * kBinStride + bins[j]] += weights[j];
    std::copy_n(bins.data(), count, bin_of_.data() + begin);
  }
  double total = 0.0;
  for (size_t bin = 0; bin <= kBins; ++bin) {
    for (size_t k = 1; k < kHistograms; ++k) sums_[bin] += sums_[k * kBinStride + bin];
    total += sums_[bin];
  }
  return total;
}

void WideDraw::Sort(std::span<const float> logits, double best, double rate, size_t bin) {
  entries_.clear();
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const size_t end = std::min(logits.size(), begin + kBlock);
    bool any = false;
    for (size_t i = begin; i < end; ++i) any |= bin_of_[i] == bin;
    if (!any) continue;
    for (size_t i = begin; i < end; ++i) {
      if (bin_of_[i] != bin) continue;
      const double weight = Weight(Scaled(logits[i], best, rate));
      if (weight > 0.0) entries_.push_back({logits[i], static_cast<TokenId>(i), weight});
    }
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  });
}

TokenId WideDraw::Draw(std::span<const float> logits, float best, float temperature, float top_p,
                       double uniform) {
  const double rate = 1.0 / double{temperature};
  const double total = FillBins(logits, best, rate);

  // The bin in which the first `share` of the weights ends, and what lies before it.
  const auto find = [&](double share) {
    size_t bin = 0;
    size_t last = 0;
    double before = 0.0;
    for (double sum = 0.0; bin <= kBins; ++bin) {
      if (sums_[bin] == 0.0) continue;
      before = sum;
      last = bin;
      sum += sums_[bin];
      if (sum > share) break;
    }
    return std::pair(last, before);
  };

  // top-p: the smallest set of best entries whose probabilities reach p.
  double kept = total;
  if (top_p < 1.0F) {
    const double limit = double{top_p} * total;
    const auto [bin, before] = find(limit);
    Sort(logits, best, rate, bin);
    kept = before;
    for (size_t i = 0; i < entries_.size() && ((i == 0 && before == 0.0) || kept < limit); ++i)
      kept += entries_[i].weight;
  }

  const double mark = uniform * kept;
  const auto [bin, before] = find(mark);
  Sort(logits, best, rate, bin);
  double sum = before;
  for (const Entry& entry : entries_) {
    sum += entry.weight;
    if (mark < sum) return entry.id;
  }
  return entries_.back().id;
}

}  // namespace tessy
