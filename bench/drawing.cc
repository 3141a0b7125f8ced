#include "drawing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/random.h"
#include "model/sampling.h"

namespace tessy::bench {
namespace {

constexpr size_t kRows = 8;

std::vector<float> NormalLogits(uint64_t seed, size_t entries) {
  std::vector<float> logits(entries);
  for (size_t i = 0; i < entries; ++i) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - UniformAt(seed, 0, i)));
    logits[i] = static_cast<float>(3.0 * radius * std::cos(2.0 * std::numbers::pi * UniformAt(seed, 1, i)));
  }
  return logits;
}

// The plain way: everything in order, then one rule after the other.
TokenId DrawSorted(const std::vector<float>& logits, const Sampling& sampling, double uniform,
                   std::vector<TokenId>& order, std::vector<double>& weights) {
  order.resize(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto logit = [&](TokenId id) { return logits[static_cast<size_t>(id)]; };
  std::sort(order.begin(), order.end(),
            [&](TokenId a, TokenId b) { return logit(a) > logit(b) || (logit(a) == logit(b) && a < b); });
  if (sampling.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(sampling.top_k)));
  weights.clear();
  for (const TokenId id : order)
    weights.push_back(std::exp((double{logit(id)} - logit(order.front())) / sampling.temperature));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double kept = 0.0;
  size_t size = 0;
  while (size < weights.size() && (size == 0 || kept < sampling.top_p * total)) kept += weights[size++];
  while (size > 1 && weights[size - 1] < sampling.min_p) kept -= weights[--size];
  double mark = uniform * kept;
  for (size_t i = 0; i + 1 < size; ++i) {
    mark -= weights[i];
    if (mark < 0.0) return order[i];
  }
  return order[size - 1];
}

template <class Draw>
double MillisecondsADraw(const Draw& draw) {
  const auto began = std::chrono::steady_clock::now();
  for (size_t row = 0; row < kRows; ++row) draw(row, (static_cast<double>(row) + 0.5) / kRows);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count() / kRows;
}

}  // namespace

std::vector<DrawingCost> MeasureDrawing(size_t entries, int rounds) {
  std::vector<std::vector<float>> rows;
  for (size_t row = 0; row < kRows; ++row) rows.push_back(NormalLogits(row, entries));
  const std::pair<const char*, Sampling> ways[] = {
      {"top-k 20, top-p 0.8", {}},
      {"min-p 0.05", {.top_p = 1.0F, .top_k = 0, .min_p = 0.05F}},
      {"min-p 0.05, top-p 0.95", {.top_p = 0.95F, .top_k = 0, .min_p = 0.05F}},
      {"top-p 0.95", {.top_p = 0.95F, .top_k = 0}},
      {"temperature alone", {.top_p = 1.0F, .top_k = 0}}};
  std::vector<DrawingCost> costs;
  Sampler sampler;
  std::vector<TokenId> order;
  std::vector<double> weights;
  volatile TokenId drawn = 0;  // so that no draw is left out
  for (const auto& way : ways) {
    const Sampling& sampling = way.second;
    DrawingCost cost{.name = way.first,
                     .ours = std::numeric_limits<double>::infinity(),
                     .sorted = std::numeric_limits<double>::infinity()};
    for (int round = 0; round < rounds; ++round) {
      cost.ours = std::min(cost.ours, MillisecondsADraw([&](size_t row, double uniform) {
                             drawn = sampler.Draw(rows[row], sampling, uniform);
                           }));
      cost.sorted = std::min(cost.sorted, MillisecondsADraw([&](size_t row, double uniform) {
                               drawn = DrawSorted(rows[row], sampling, uniform, order, weights);
                             }));
    }
    costs.push_back(std::move(cost));
  }
  return costs;
}

}  // namespace tessy::bench
