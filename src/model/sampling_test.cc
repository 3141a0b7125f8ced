#include "model/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace tessy {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Share {
  TokenId id;
  double p;
};

// The distribution by definition, best token first: everything sorted, one rule after the other, each on what
// the one before it left.
std::vector<Share> Distribution(const std::vector<float>& logits, const Sampling& sampling) {
  std::vector<Share> left;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) left.push_back({static_cast<TokenId>(i), 0.0});
  }
  const auto logit = [&](const Share& share) { return double{logits[static_cast<size_t>(share.id)]}; };
  std::stable_sort(left.begin(), left.end(),
                   [&](const Share& a, const Share& b) { return logit(a) > logit(b); });
  const auto keep = [&](size_t count) {
    left.resize(std::clamp<size_t>(count, std::min<size_t>(1, left.size()), left.size()));
  };
  const auto normalise = [&] {
    double total = 0.0;
    for (const Share& share : left) total += share.p;
    for (Share& share : left) share.p /= total;
  };
  if (left.empty()) return left;
  const double best = logit(left.front());
  for (Share& share : left)
    share.p = sampling.temperature <= 0 ? 1.0 : std::exp((logit(share) - best) / sampling.temperature);
  if (sampling.temperature <= 0) keep(1);
  if (sampling.top_k > 0) keep(static_cast<size_t>(sampling.top_k));
  normalise();
  double sum = 0.0;
  size_t count = 0;
  while (count < left.size() && sum < sampling.top_p) sum += left[count++].p;
  keep(count);
  normalise();
  const double floor = sampling.min_p * left.front().p;
  keep(static_cast<size_t>(
      std::count_if(left.begin(), left.end(), [&](const Share& share) { return share.p >= floor; })));
  normalise();
  return left;
}

// The token at `uniform` of the distribution; -1 within `slack` of a border between two, where rounding may
// decide.
TokenId Pick(const std::vector<Share>& distribution, double uniform, double slack = 1e-9) {
  double end = 0.0;
  for (const Share& share : distribution) {
    end += share.p;
    if (std::abs(uniform - end) < slack && &share != &distribution.back()) return -1;
    if (uniform < end) return share.id;
  }
  return distribution.back().id;
}

std::vector<float> RandomLogits(uint64_t seed, size_t count, double spread) {
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i) {
    const double u = UniformAt(seed, 0, i) + UniformAt(seed, 1, i) + UniformAt(seed, 2, i) - 1.5;
    logits[i] = static_cast<float>(u * spread);
  }
  return logits;
}

Sampling RandomSampling(uint64_t seed, size_t tokens) {
  const auto of = [&](uint64_t index, std::initializer_list<float> values) {
    return values
        .begin()[static_cast<size_t>(UniformAt(seed, 3, index) * static_cast<double>(values.size()))];
  };
  const auto count = static_cast<float>(tokens);
  return {
      .temperature = of(0, {0.0F, 0.1F, 0.7F, 1.0F, 3.0F}),
      .top_p = of(1, {1.0F, 0.95F, 0.8F, 0.3F, 0.0F}),
      .top_k = static_cast<int32_t>(of(2, {0.0F, 1.0F, 2.0F, 20.0F, count - 1, count, count + 1, 2 * count})),
      .min_p = of(3, {0.0F, 0.0F, 0.05F, 0.5F, 1.0F})};
}

TEST(Sampler, DrawsFromTheDistributionByDefinition) {
  Sampler sampler;
  size_t compared = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const size_t tokens = 1 + static_cast<size_t>(UniformAt(seed, 4, 0) * (seed % 10 == 0 ? 3000 : 60));
    std::vector<float> logits = RandomLogits(seed, tokens, seed % 3 == 0 ? 2.0 : 12.0);
    if (seed % 4 == 0) {  // many ties
      for (float& logit : logits) logit = std::round(logit);
    }
    if (seed % 5 == 0) {
      for (size_t i = 0; i < tokens; i += 2 + seed % 7) logits[i] = seed % 2 == 0 ? -kInfinity : kNan;
    }
    const Sampling sampling = RandomSampling(seed, tokens);
    const auto distribution = Distribution(logits, sampling);
    for (uint64_t draw = 0; draw < 20; ++draw) {
      const double uniform = draw == 0 ? 0.0 : UniformAt(seed, 5, draw);
      const TokenId token = sampler.Draw(logits, sampling, uniform);
      if (distribution.empty()) {
        ASSERT_EQ(token, -1);
        continue;
      }
      // Where top-p or min-p falls within rounding of a token's border, either is right.
      const TokenId expected = Pick(distribution, uniform, 1e-6);
      if (expected < 0) continue;
      ASSERT_EQ(token, expected) << "seed " << seed << ", " << tokens << " tokens, T " << sampling.temperature
                                 << ", top-p " << sampling.top_p << ", top-k " << sampling.top_k << ", min-p "
                                 << sampling.min_p << ", uniform " << uniform;
      ++compared;
    }
  }
  EXPECT_GT(compared, 50000U);
}

// Flat, peaked, tied and partly unusable vocabularies, in which a draw must be found without sorting
// everything.
TEST(Sampler, DrawsFromWholeVocabulariesAsTheDefinitionSays) {
  Sampler sampler;
  size_t compared = 0;
  for (uint64_t seed = 0; seed < 24; ++seed) {
    std::vector<float> logits =
        RandomLogits(seed, 20000 + 37 * seed, seed % 4 == 0 ? 0.0 : std::pow(4.0, seed % 5));
    if (seed % 3 == 1) {
      for (float& logit : logits) logit = std::round(logit * 4.0F) / 4.0F;
    }
    if (seed % 5 == 2) {
      for (size_t i = 0; i < logits.size(); i += 3) logits[i] = i % 2 == 0 ? -kInfinity : kNan;
    }
    Sampling sampling = RandomSampling(seed, logits.size());
    sampling.top_k = 0;
    if (sampling.temperature == 0.0F) sampling.temperature = 0.7F;
    const auto distribution = Distribution(logits, sampling);
    for (uint64_t draw = 0; draw < 60; ++draw) {
      const double uniform = draw == 0 ? 0.0 : draw == 1 ? 1.0 - 1e-16 : UniformAt(seed, 5, draw);
      const TokenId expected = Pick(distribution, uniform);
      if (expected < 0) continue;
      ASSERT_EQ(sampler.Draw(logits, sampling, uniform), expected)
          << "seed " << seed << ", T " << sampling.temperature << ", top-p " << sampling.top_p << ", min-p "
          << sampling.min_p << ", uniform " << uniform;
      ++compared;
    }
  }
  EXPECT_GT(compared, 1200U);
}

constexpr Sampling kAllOff{.temperature = 1.0F, .top_p = 1.0F, .top_k = 0, .min_p = 0.0F};

TEST(Sampler, ReachesEveryTokenWhenAllIsOff) {
  const std::vector<float> logits = RandomLogits(7, 40, 2.0);
  Sampler sampler;
  std::vector<bool> seen(logits.size());
  for (uint64_t i = 0; i < 20000; ++i)
    seen[static_cast<size_t>(sampler.Draw(logits, kAllOff, UniformAt(1, 0, i)))] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 40);
}

TEST(Sampler, BreaksTiesByTheLowerId) {
  const std::vector<float> logits{1.0F, 5.0F, 5.0F, 0.0F, 5.0F};
  Sampler sampler;
  EXPECT_EQ(sampler.Draw(logits, {.temperature = 0.0F}, 0.9), 1);
  const Sampling two{.temperature = 1.0F, .top_p = 1.0F, .top_k = 2};
  EXPECT_EQ(sampler.Draw(logits, two, 0.49), 1);
  EXPECT_EQ(sampler.Draw(logits, two, 0.51), 2);
  EXPECT_EQ(sampler.Draw(logits, two, 0.999999), 2);
}

TEST(Sampler, NeverDrawsWhatIsNoNumber) {
  Sampler sampler;
  for (const Sampling& sampling : {kAllOff, Sampling{}, Sampling{.temperature = 0.0F}}) {
    EXPECT_EQ(sampler.Draw(std::vector<float>{kNan, 1.0F, kNan}, sampling, 0.0), 1);
    EXPECT_EQ(sampler.Draw(std::vector<float>{kNan, 1.0F, kNan}, sampling, 0.999999), 1);
    EXPECT_EQ(sampler.Draw(std::vector<float>{-kInfinity, -kInfinity, 3.0F}, sampling, 0.999999), 2);
    EXPECT_EQ(sampler.Draw(std::vector<float>{kNan, kNan}, sampling, 0.5), -1);
    EXPECT_EQ(sampler.Draw(std::vector<float>{-kInfinity}, sampling, 0.5), -1);
    EXPECT_EQ(sampler.Draw(std::vector<float>{}, sampling, 0.5), -1);
  }
}

TEST(Sampler, AnInfiniteLogitIsCertain) {
  Sampler sampler;
  for (const Sampling& sampling : {kAllOff, Sampling{}, Sampling{.temperature = 0.0F}}) {
    for (const double uniform : {0.0, 0.5, 0.99}) {
      EXPECT_EQ(sampler.Draw(std::vector<float>{0.0F, kInfinity, -1000.0F, kInfinity}, sampling, uniform), 1);
    }
  }
}

TEST(Sampler, HugeLogitsDoNotOverflow) {
  Sampler sampler;
  const std::vector<float> logits{3e38F, -3e38F, 2.9e38F};
  EXPECT_EQ(sampler.Draw(logits, kAllOff, 0.999999), 0);
  EXPECT_EQ(sampler.Draw(logits, {.temperature = 1e-30F, .top_p = 1.0F, .top_k = 0}, 0.5), 0);
}

TEST(Sampler, AnInstanceRemembersNothing) {
  Sampler used;
  used.Draw(RandomLogits(1, 5000, 9.0), kAllOff, 0.5);
  const std::vector<float> logits = RandomLogits(2, 30, 3.0);
  for (uint64_t i = 0; i < 100; ++i) {
    Sampler fresh;
    EXPECT_EQ(used.Draw(logits, {}, UniformAt(3, 0, i)), fresh.Draw(logits, {}, UniformAt(3, 0, i)));
  }
}

TEST(Sampler, FrequenciesAreTheProbabilities) {
  constexpr int kDraws = 200000;
  const std::vector<float> logits = RandomLogits(11, 60, 5.0);
  for (const Sampling& sampling :
       {Sampling{}, kAllOff, Sampling{.temperature = 1.3F, .top_p = 0.9F, .top_k = 12, .min_p = 0.02F}}) {
    Sampler sampler;
    std::vector<double> counts(logits.size());
    for (uint64_t i = 0; i < kDraws; ++i)
      ++counts[static_cast<size_t>(sampler.Draw(logits, sampling, UniformAt(12, 0, i)))];
    const auto distribution = Distribution(logits, sampling);
    double chi_square = 0.0;
    double expected_draws = 0.0;
    size_t classes = 0;
    for (const Share& share : distribution) {
      const double expected = share.p * kDraws;
      const double got = counts[static_cast<size_t>(share.id)];
      if (expected < 5.0) continue;
      chi_square += (got - expected) * (got - expected) / expected;
      expected_draws += expected;
      ++classes;
    }
    ASSERT_GT(classes, 3U);
    EXPECT_GT(expected_draws, 0.99 * kDraws);
    // Mean classes - 1, deviation sqrt(2 (classes - 1)).
    const auto freedom = static_cast<double>(classes - 1);
    EXPECT_LT(chi_square, freedom + 5.0 * std::sqrt(2.0 * freedom));
    for (size_t id = 0; id < logits.size(); ++id) {
      const bool possible =
          std::ranges::any_of(distribution, [&](const Share& s) { return s.id == static_cast<TokenId>(id); });
      EXPECT_TRUE(possible || counts[id] == 0.0) << id;
    }
  }
}

}  // namespace
}  // namespace tessy
