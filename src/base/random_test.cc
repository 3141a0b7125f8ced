#include "base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tessy {
namespace {

using testing::ElementsAre;

constexpr uint32_t kOnes = 0xFFFFFFFF;

// Known answers of the authors' library Random123 (tests/kat_vectors).
TEST(Philox, MatchesTheKnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(UniformAt, TakesItsBitsFromTheFirstTwoWords) {
  const uint64_t bits = 0x6627e8d5e169c58dULL >> 11;
  EXPECT_EQ(UniformAt(0, 0, 0), static_cast<double>(bits) / 9007199254740992.0);
}

TEST(UniformAt, GivesEveryWordOfKeyAndCounterItsOwnPlace) {
  const double expected = static_cast<double>(0xd16cfe0994fdccebULL >> 11) / 9007199254740992.0;
  EXPECT_EQ(UniformAt(0x299f31d0a4093822ULL, 0x0370734413198a2eULL, 0x85a308d3243f6a88ULL), expected);
}

TEST(UniformAt, FillsTheUnitIntervalEvenly) {
  constexpr int kDraws = 100000;
  constexpr int kBins = 20;
  std::vector<int> bins(kBins);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = UniformAt(7, 1, static_cast<uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    ++bins[static_cast<size_t>(u * kBins)];
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  // Chi-squared with 19 degrees of freedom exceeds 43.8 once in a thousand; the draws are fixed.
  double chi_squared = 0;
  for (const int count : bins) chi_squared += (count - 5000.0) * (count - 5000.0) / 5000.0;
  EXPECT_LT(chi_squared, 43.8);
}

TEST(UniformAt, DiffersBetweenStreamsAndCounters) {
  std::set<double> draws;
  for (uint64_t key = 0; key < 10; ++key) {
    for (uint64_t high = 0; high < 10; ++high) {
      for (uint64_t low = 0; low < 10; ++low) draws.insert(UniformAt(key, high, low));
    }
  }
  EXPECT_EQ(draws.size(), 1000U);
}

TEST(HashBytes, NeverChanges) {
  // Stream keys of stored runs hang on these values. The mixer is SplitMix64's finaliser over plain FNV-1a,
  // whose published values are cbf29ce484222325 for "" and af63dc4c8601ec8c for "a".
  EXPECT_EQ(HashBytes(""), 0xf52a15e9a9b5e89bULL);
  EXPECT_EQ(HashBytes("a"), 0x02c0bdbf481420f8ULL);
}

TEST(HashBytes, DependsOnEveryByteAndOnTheSeed) {
  const std::set<uint64_t> hashes = {HashBytes("ab"),
                                     HashBytes("ba"),
                                     HashBytes("ab", 1),
                                     HashBytes("ab", 2),
                                     HashBytes(std::string_view("ab\0", 3)),
                                     HashBytes(std::string_view("\0ab", 3)),
                                     HashBytes("\xFF"),
                                     HashBytes("\x7F")};
  EXPECT_EQ(hashes.size(), 8U);
}

TEST(BytesHash, DoesNotDependOnThePortions) {
  BytesHash hash(3);
  EXPECT_EQ(hash.value(), HashBytes("", 3));
  hash.Add("ab");
  hash.Add("");
  hash.Add("c");
  EXPECT_EQ(hash.value(), HashBytes("abc", 3));
}

TEST(HashParts, DependsOnOrderAndNumberOfParts) {
  const std::vector<std::vector<uint64_t>> cases = {{}, {0}, {0, 0}, {1, 2}, {2, 1}, {1}, {3}, {1, 2, 0}};
  std::set<uint64_t> hashes;
  for (const auto& parts : cases) hashes.insert(HashParts(parts));
  EXPECT_EQ(hashes.size(), cases.size());
}

TEST(HashParts, SpreadsSmallNumbers) {
  std::set<uint64_t> hashes;
  for (uint64_t a = 0; a < 50; ++a) {
    for (uint64_t b = 0; b < 50; ++b) {
      const std::vector<uint64_t> parts = {a, b};
      hashes.insert(HashParts(parts));
    }
  }
  EXPECT_EQ(hashes.size(), 2500U);
}

}  // namespace
}  // namespace tessy
