#pragma once

#include <cstdint>
#include <span>

namespace tessy {

// The arithmetic of evaluations. Everything here is pure; what draws at random does so from a fixed seed, so
// that the same verdicts always give the same figures.

struct Interval {
  double low = 0;
  double high = 0;
};

// pass@k of one problem, without bias: the chance that k of its n samples, c of them right, hold a right one
// (Chen et al. 2021, "Evaluating Large Language Models Trained on Code", section 2.1): 1 - C(n-c,k) / C(n,k).
// 1 <= k <= n, c <= n.
double PassAtK(uint64_t n, uint64_t c, uint64_t k);

// 95 % interval of a share p of n trials (Wilson 1927). p in [0, 1], n > 0.
Interval Wilson95(double p, double n);

// Whether two runs over the same problems, one sample each, differ: McNemar's test, exact and two-sided. The
// arguments are the problems that only one of the two has right. The p-value.
double McNemarExact(uint64_t only_a_right, uint64_t only_b_right);

// 95 % interval of the mean, by the percentiles of 10,000 means over problems drawn with replacement (Efron
// 1979). Of differences between two runs over the same problems it is the paired interval. {0, 0} of no
// values.
Interval Bootstrap95(std::span<const double> values);

// Two-sided p-value of the mean's differing from 0 by the same draws: twice the smaller share of means that
// are on the other side of 0 or on it, at most 1, and at least 1 / 10,000. 1 of no values.
double BootstrapP(std::span<const double> differences);

}  // namespace tessy
