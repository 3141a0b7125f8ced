#include "judge/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/random.h"

namespace tessy {
namespace {

constexpr double kZ = 1.959963984540054;  // normal quantile of a 95 % interval
constexpr size_t kDraws = 10000;
constexpr uint64_t kSeed = 0x7e551;

// In ascending order.
std::vector<double> ResampledMeans(std::span<const double> values) {
  std::vector<double> means(kDraws);
  const auto n = static_cast<double>(values.size());
  for (size_t draw = 0; draw < kDraws; ++draw) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += values[std::min(static_cast<size_t>(UniformAt(kSeed, draw, i) * n), values.size() - 1)];
    }
    means[draw] = sum / n;
  }
  std::sort(means.begin(), means.end());
  return means;
}

}  // namespace

double PassAtK(uint64_t n, uint64_t c, uint64_t k) {
  if (n - c < k) return 1;
  double none = 1;
  for (uint64_t i = n - c + 1; i <= n; ++i) none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

Interval Wilson95(double p, double n) {
  const double middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double McNemarExact(uint64_t only_a_right, uint64_t only_b_right) {
  const uint64_t n = only_a_right + only_b_right;
  const uint64_t fewer = std::min(only_a_right, only_b_right);
  if (n == 0) return 1;
  double share = 0;
  for (uint64_t i = 0; i <= fewer; ++i) {
    // C(n, i) / 2^n, by logarithms, because neither fits a double for long.
    const auto k = static_cast<double>(i);
    const auto m = static_cast<double>(n);
    share += std::exp(std::lgamma(m + 1) - std::lgamma(k + 1) - std::lgamma(m - k + 1) - m * std::log(2.0));
  }
  return std::min(1.0, 2 * share);
}

Interval Bootstrap95(std::span<const double> values) {
  if (values.empty()) return {};
  const std::vector<double> means = ResampledMeans(values);
  return {means[kDraws * 25 / 1000], means[kDraws * 975 / 1000 - 1]};
}

double BootstrapP(std::span<const double> differences) {
  if (differences.empty()) return 1;
  const std::vector<double> means = ResampledMeans(differences);
  const auto share = [](auto count) { return static_cast<double>(count) / kDraws; };
  const double not_above = share(std::upper_bound(means.begin(), means.end(), 0.0) - means.begin());
  const double not_below = share(means.end() - std::lower_bound(means.begin(), means.end(), 0.0));
  return std::clamp(2 * std::min(not_above, not_below), 1.0 / kDraws, 1.0);
}

}  // namespace tessy
