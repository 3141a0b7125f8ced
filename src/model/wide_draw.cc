#include "model/wide_draw.h"

#include <algorithm>

namespace tessy {
namespace {

// Bins are looked through so many entries at a time, which the compiler turns into vector instructions.
constexpr size_t kBlock = 64;

}  // namespace

double WideDraw::FillBins(std::span<const float> logits, double best, double rate) {
  sums_.assign(kWideHistograms * kWideBinStride, 0.0);
  bin_of_.resize(logits.size());
  loops_->fill(logits, best, rate, bin_of_, sums_);
  double total = 0.0;
  for (size_t bin = 0; bin <= kWideBins; ++bin) {
    for (size_t k = 1; k < kWideHistograms; ++k) sums_[bin] += sums_[k * kWideBinStride + bin];
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
      const double weight = WideWeight(logits[i], best, rate);
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
    for (double sum = 0.0; bin <= kWideBins; ++bin) {
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
