#include "model/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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
  ids_.clear();
  loops_->gather(logits, least, ids_);
  candidates_.clear();
  for (const int32_t id : ids_) candidates_.push_back({logits[static_cast<size_t>(id)], id});
  std::sort(candidates_.begin(), candidates_.end(), IsBetter);
}

TokenId Sampler::Draw(std::span<const float> logits, const Sampling& sampling, double uniform) {
  const bool greedy = sampling.temperature <= 0.0F;
  if (greedy || sampling.top_k > 0) {
    Gather(logits, std::min(greedy ? 1 : static_cast<size_t>(sampling.top_k), logits.size()));
    if (candidates_.empty()) return -1;
    if (greedy) return candidates_.front().id;
    Weigh(sampling);
    const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    return DrawCandidate(sampling, Reaching(sampling.top_p * total), uniform);
  }
  const float best = loops_->largest(logits);
  if (best == -std::numeric_limits<float>::infinity()) return -1;
  if (best == std::numeric_limits<float>::infinity()) {
    return static_cast<TokenId>(std::find(logits.begin(), logits.end(), best) - logits.begin());
  }
  if (sampling.min_p <= 0.0F) return wide_.Draw(logits, best, sampling.temperature, sampling.top_p, uniform);
  // A little below what min-p leaves, so that rounding cannot take a candidate away; DrawCandidate looks at
  // each again.
  const double floor = std::max(kNegligibleLogit, std::log(double{sampling.min_p}) - 1e-6);
  GatherFrom(logits, double{best} + floor * double{sampling.temperature} - 1e-6 * std::abs(double{best}));
  Weigh(sampling);
  const size_t size = sampling.top_p < 1.0F ? ReachingOfAll(logits, sampling) : weights_.size();
  return DrawCandidate(sampling, size, uniform);
}

void Sampler::Weigh(const Sampling& sampling) {
  const double best = candidates_.front().logit;
  weights_.clear();
  for (const Candidate& candidate : candidates_) {
    const double scaled = (candidate.logit - best) / sampling.temperature;
    if (scaled < kNegligibleLogit) break;
    weights_.push_back(std::exp(scaled));
  }
}

// The size of the smallest set of best candidates whose weights reach `limit`, for top-p.
size_t Sampler::Reaching(double limit) const {
  double kept = 0.0;
  size_t size = 0;
  while (size < weights_.size() && (size == 0 || kept < limit)) kept += weights_[size++];
  return size;
}

// Top-p is a share of all weights, of those that min-p takes away, too. Their sum in single precision takes
// half the time and mostly tells: only where its error could decide, they are summed again.
size_t Sampler::ReachingOfAll(std::span<const float> logits, const Sampling& sampling) const {
  const float best = candidates_.front().logit;
  const double rate = 1.0 / double{sampling.temperature};
  const double top_p = sampling.top_p;
  if (const auto single = static_cast<float>(rate); std::isfinite(single)) {
    const double limit = top_p * loops_->approximate_total(logits, best, single);
    const size_t size = Reaching(limit * (1.0 - kApproximateShare));
    if (size == Reaching(limit * (1.0 + kApproximateShare))) return size;
  }
  return Reaching(top_p * loops_->total(logits, best, rate));
}

// Draws among the first `size` candidates, those that top-p leaves.
TokenId Sampler::DrawCandidate(const Sampling& sampling, size_t size, double uniform) const {
  double kept = std::accumulate(weights_.begin(), weights_.begin() + static_cast<std::ptrdiff_t>(size), 0.0);
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
