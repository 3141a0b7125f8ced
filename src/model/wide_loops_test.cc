#include "model/wide_loops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/sampling.h"

namespace tessy {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Not a multiple of any block; ties, and entries that are no number.
std::vector<float> Logits(uint64_t seed, size_t count) {
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i) {
    const double u = UniformAt(seed, 0, i) + UniformAt(seed, 1, i) + UniformAt(seed, 2, i) - 1.5;
    logits[i] = static_cast<float>(u * (seed % 3 == 0 ? 3.0 : 30.0));
    if (seed % 4 == 1) logits[i] = std::round(logits[i] * 8.0F) / 8.0F;
    if (seed % 5 == 2 && i % 7 == 3) logits[i] = i % 2 == 0 ? -kInfinity : kNan;
  }
  return logits;
}

TEST(WideLoops, TheSlowestRunsOnAnyProcessor) {
  ASSERT_FALSE(UsableWideLoops().empty());
  EXPECT_STREQ(UsableWideLoops().front().name, "baseline");
  EXPECT_STREQ(FastestWideLoops().name, UsableWideLoops().back().name);
}

TEST(WideLoops, AllKindsAgreeToTheLastBit) {
  const WideLoops& plain = UsableWideLoops().front();
  for (const WideLoops& loops : UsableWideLoops()) {
    SCOPED_TRACE(loops.name);
    for (uint64_t seed = 0; seed < 12; ++seed) {
      const std::vector<float> logits = Logits(seed, seed < 8 ? 64 * seed + 5 * seed + 1 : 30000 + 97 * seed);
      const float best = plain.largest(logits);
      ASSERT_EQ(loops.largest(logits), best);
      for (const double rate : {1.0 / 0.7, 1.0, 0.2, 40.0}) {
        ASSERT_EQ(loops.total(logits, best, rate), plain.total(logits, best, rate));
        ASSERT_EQ(loops.approximate_total(logits, best, static_cast<float>(rate)),
                  plain.approximate_total(logits, best, static_cast<float>(rate)));
        std::vector<std::vector<uint16_t>> bins(2, std::vector<uint16_t>(logits.size()));
        std::vector<std::vector<double>> sums(2, std::vector<double>(kWideHistograms * kWideBinStride));
        loops.fill(logits, best, rate, bins[0], sums[0]);
        plain.fill(logits, best, rate, bins[1], sums[1]);
        ASSERT_EQ(bins[0], bins[1]);
        ASSERT_EQ(sums[0], sums[1]);
      }
    }
  }
}

TEST(WideLoops, TotalsAreThoseOfTheLibrarysExponential) {
  for (const WideLoops& loops : UsableWideLoops()) {
    SCOPED_TRACE(loops.name);
    for (uint64_t seed = 0; seed < 12; ++seed) {
      const std::vector<float> logits = Logits(seed, 5000 + 61 * seed);
      const float best = loops.largest(logits);
      for (const double rate : {1.0 / 0.7, 1.0, 0.2, 40.0}) {
        double total = 0.0;
        for (const float logit : logits) {
          const double scaled = (double{logit} - best) * rate;
          if (scaled > kNegligibleLogit) total += std::exp(scaled);
        }
        EXPECT_NEAR(loops.total(logits, best, rate) / total, 1.0, 1e-12);
        EXPECT_NEAR(loops.approximate_total(logits, best, static_cast<float>(rate)) / total, 1.0,
                    kApproximateShare / 5);
      }
    }
  }
}

TEST(WideLoops, GatherTakesAllFromALogitOn) {
  for (const WideLoops& loops : UsableWideLoops()) {
    SCOPED_TRACE(loops.name);
    const std::vector<float> logits = Logits(1, 3003);
    for (const double least : {double{logits[7]}, std::nextafter(double{logits[7]}, 1e9), -1e9, 1e9}) {
      std::vector<int32_t> expected;
      for (size_t i = 0; i < logits.size(); ++i) {
        if (double{logits[i]} >= least) expected.push_back(static_cast<int32_t>(i));
      }
      std::vector<int32_t> found;
      loops.gather(logits, least, found);
      EXPECT_EQ(found, expected) << least;
    }
  }
}

TEST(WideLoops, EveryKindDrawsTheSameToken) {
  Sampler plain(UsableWideLoops().front());
  size_t kinds = 0;
  for (const WideLoops& loops : UsableWideLoops()) {
    SCOPED_TRACE(loops.name);
    ++kinds;
    Sampler sampler(loops);
    for (uint64_t seed = 0; seed < 16; ++seed) {
      const std::vector<float> logits = Logits(seed, 40000 + 61 * seed);
      for (const Sampling& sampling :
           {Sampling{.temperature = 1.0F, .top_p = 1.0F, .top_k = 0},
            Sampling{.temperature = 0.7F, .top_p = 0.95F, .top_k = 0},
            Sampling{.temperature = 0.7F, .top_p = 0.95F, .top_k = 0, .min_p = 0.05F}}) {
        for (uint64_t draw = 0; draw < 20; ++draw) {
          const double uniform = UniformAt(seed, 5, draw);
          ASSERT_EQ(sampler.Draw(logits, sampling, uniform), plain.Draw(logits, sampling, uniform)) << seed;
        }
      }
    }
  }
  EXPECT_EQ(kinds, UsableWideLoops().size());
}

// A limit of top-p that lies between the sums in single and in double precision: only the latter may decide.
TEST(WideLoops, WhereSinglePrecisionCouldDecideItDoesNot) {
  Sampler sampler;
  size_t close = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<float> logits = Logits(3 * seed + 1, 2000);
    const WideLoops& loops = FastestWideLoops();
    const float best = loops.largest(logits);
    const double total = loops.total(logits, best, 1.0);
    std::vector<double> weights;
    for (const float logit : logits) {
      if (logit == logit && double{logit} - best > kNegligibleLogit)
        weights.push_back(std::exp(double{logit} - best));
    }
    std::sort(weights.begin(), weights.end(), std::greater<>());
    // The limit falls just behind, or just before, the end of the second token.
    for (const double factor : {1.0 - 3e-7, 1.0 + 3e-7}) {
      const auto top_p = static_cast<float>((weights[0] + weights[1]) / total * factor);
      if (top_p >= 1.0F || weights[2] < 0.011) continue;
      const double limit = double{top_p} * total;
      const bool two = weights[0] + weights[1] >= limit;
      ++close;
      // The last token that can be drawn is the second or the third.
      const TokenId last = sampler.Draw(
          logits, {.temperature = 1.0F, .top_p = top_p, .top_k = 0, .min_p = 0.01F}, 1.0 - 1e-12);
      const double drawn = std::exp(double{logits[static_cast<size_t>(last)]} - best);
      EXPECT_EQ(drawn, weights[two ? 1 : 2]) << seed;
    }
  }
  EXPECT_GT(close, 10U);
}

}  // namespace
}  // namespace tessy
