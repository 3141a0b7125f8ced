#include "model/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessy {

bool Sampler::IsBetter(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

// Leaves the `count` best candidates in descending order. One pass keeps a pool of at most 2·count and a
// floor below which nothing can enter any more: for k = 20 of 152k entries nearly every entry fails one
// comparison.
void Sampler::Gather(std::span<const float> logits, size_t count) {
  candidates_.clear();
  float floor = -std::numeric_limits<float>::infinity();
  const auto shrink = [&] {
    if (candidates_.size() <= count) return;
    const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(candidates_.begin(), last - 1, candidates_.end(), IsBetter);
    candidates_.erase(last, candidates_.end());
    floor = candidates_[count - 1].logit;
  };
  for (size_t i = 0; i < logits.size(); ++i) {
    // An entry equal to the floor loses against the pool: its id is higher.
    if (!(logits[i] > floor)) continue;
    candidates_.push_back({logits[i], static_cast<TokenId>(i)});
    if (candidates_.size() == 2 * count) shrink();
  }
  shrink();
  std::sort(candidates_.begin(), candidates_.end(), IsBetter);
}

// Leaves all candidates of at least this logit, in descending order.
void Sampler::GatherFrom(std::span<const float> logits, double least) {
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (double{logits[i]} >= least) candidates_.push_back({logits[i], static_cast<TokenId>(i)});
  }
  std::sort(candidates_.begin(), candidates_.end(), IsBetter);
}

TokenId Sampler::Draw(std::span<const float> logits, const Sampling& sampling, double uniform) {
  const bool greedy = sampling.temperature <= 0.0F;
  if (greedy || sampling.top_k > 0) {
    Gather(logits, std::min(greedy ? 1 : static_cast<size_t>(sampling.top_k), logits.size()));
    if (candidates_.empty()) return -1;
    if (greedy) return candidates_.front().id;
    return DrawCandidate(sampling, std::nullopt, uniform);
  }
  const float best = LargestLogit(logits);
  if (best == -std::numeric_limits<float>::infinity()) return -1;
  if (best == std::numeric_limits<float>::infinity()) {
    return static_cast<TokenId>(std::find(logits.begin(), logits.end(), best) - logits.begin());
  }
  if (sampling.min_p <= 0.0F) return wide_.Draw(logits, best, sampling.temperature, sampling.top_p, uniform);
  // A little below what min-p leaves, so that rounding cannot take a candidate away; DrawCandidate looks at
  // each again.
  const double floor = std::max(kNegligibleLogit, std::log(double{sampling.min_p}) - 1e-6);
  GatherFrom(logits, double{best} + floor * double{sampling.temperature} - 1e-6 * std::abs(double{best}));
  // What top-p is a share of includes those that min-p then takes away.
  if (sampling.top_p >= 1.0F) return DrawCandidate(sampling, std::nullopt, uniform);
  return DrawCandidate(sampling, WideDraw::Total(logits, best, sampling.temperature), uniform);
}

// Draws among the candidates; `all` is the sum of the weights of everything that they are a share of, their
// own sum if not given.
TokenId Sampler::DrawCandidate(const Sampling& sampling, std::optional<double> all, double uniform) {
  const double best = candidates_.front().logit;
  weights_.clear();
  double total = 0.0;
  for (const Candidate& candidate : candidates_) {
    const double scaled = (candidate.logit - best) / sampling.temperature;
    if (scaled < kNegligibleLogit) break;
    weights_.push_back(std::exp(scaled));
    total += weights_.back();
  }
  total = all.value_or(total);

  // top-p: the smallest set of best candidates whose probabilities reach p.
  double kept = 0.0;
  size_t size = 0;
  while (size < weights_.size() && (size == 0 || kept < sampling.top_p * total)) kept += weights_[size++];
  // min-p: relative to the best candidate, whose weight is 1.
  while (size > 1 && weights_[size - 1] < sampling.min_p) kept -= weights_[--size];

  double mark = uniform * kept;
  for (size_t i = 0; i + 1 < size; ++i) {
    mark -= weights_[i];
    if (mark < 0.0) return candidates_[i].id;
  }
  return candidates_[size - 1].id;
}

}  // namespace tessy
