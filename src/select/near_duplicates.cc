#include "select/near_duplicates.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "base/random.h"
#include "select/shingles.h"
#include "select/union_find.h"

namespace tessy {
namespace {

constexpr uint64_t kSeed = 0x6D696E68617368ULL;

// The permutations x -> a x + b of 32-bit numbers, a odd.
struct Permutations {
  alignas(64) std::array<uint32_t, NearDuplicates::kHashes> a{};
  alignas(64) std::array<uint32_t, NearDuplicates::kHashes> b{};
};

Permutations MakePermutations() {
  Permutations made;
  for (uint32_t i = 0; i < NearDuplicates::kHashes; ++i) {
    const auto drawn =
        Philox4x32({i, 0, 0, 0}, {static_cast<uint32_t>(kSeed), static_cast<uint32_t>(kSeed >> 32)});
    made.a[i] = drawn[0] | 1U;
    made.b[i] = drawn[1];
  }
  return made;
}

using Signature = std::array<uint32_t, NearDuplicates::kHashes>;

// The least value of every permutation over the set.
Signature SignatureOf(std::span<const uint64_t> shingles) {
  static const Permutations kPermutations = MakePermutations();
  alignas(64) Signature least;
  least.fill(std::numeric_limits<uint32_t>::max());
  for (const uint64_t shingle : shingles) {
    const auto x = static_cast<uint32_t>(shingle >> 32);
    for (size_t i = 0; i < least.size(); ++i) {
      const uint32_t value = kPermutations.a[i] * x + kPermutations.b[i];
      least[i] = std::min(least[i], value);
    }
  }
  return least;
}

// The least number of equal bytes in two sketches for which a pair is looked at. A pair at the threshold has
// fewer by chance less often than once in 10^9: its number is binomial, and this is 6 standard deviations
// below the mean.
size_t LeastEqual(double threshold) {
  const auto n = static_cast<double>(NearDuplicates::kHashes);
  const double least = n * threshold - 6.0 * std::sqrt(n * threshold * (1.0 - threshold));
  return least > 0.0 ? static_cast<size_t>(least) : 0;
}

}  // namespace

void NearDuplicates::Add(std::string_view normal_form) {
  const std::vector<uint64_t> shingles = Shingles(normal_form);
  shingles_.insert(shingles_.end(), shingles.begin(), shingles.end());
  ends_.push_back(shingles_.size());
  const Signature signature = SignatureOf(shingles);
  BandKeys& keys = keys_.emplace_back();
  constexpr size_t kRows = kHashes / kBands;
  for (size_t band = 0; band < kBands; ++band) {
    uint64_t key = band;
    for (size_t row = 0; row < kRows; ++row) {
      key = (key ^ signature[band * kRows + row]) * 0x9E3779B97F4A7C15ULL;
      key ^= key >> 29;
    }
    keys[band] = static_cast<uint32_t>(key >> 32);
  }
  Sketch& sketch = sketches_.emplace_back();
  for (size_t i = 0; i < kHashes; ++i) sketch[i] = static_cast<uint8_t>(signature[i]);
}

std::span<const uint64_t> NearDuplicates::ShinglesOf(size_t text) const {
  const uint64_t begin = text == 0 ? 0 : ends_[text - 1];
  return std::span(shingles_).subspan(begin, ends_[text] - begin);
}

// The part of a search that one thread does. What it has joined needs no further look, so each text is
// compared with few of a large cluster.
class NearDuplicates::Search {
 public:
  Search(const NearDuplicates& texts, double threshold)
      : texts_(texts), threshold_(threshold), equal_min_(LeastEqual(threshold)), joined_(texts.size()) {}

  void Band(size_t band) {
    order_.resize(texts_.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = uint64_t{texts_.keys_[i][band]} << 32 | i;
    std::ranges::sort(order_);
    for (size_t begin = 0; begin < order_.size();) {
      size_t end = begin + 1;
      while (end < order_.size() && order_[end] >> 32 == order_[begin] >> 32) ++end;
      if (end - begin > 1) Bucket(std::span(order_).subspan(begin, end - begin));
      begin = end;
    }
  }

  UnionFind& joined() { return joined_; }

 private:
  void Bucket(std::span<const uint64_t> members) {
    const auto text = [&](size_t i) { return static_cast<uint32_t>(members[i]); };
    const uint32_t root = joined_.Find(text(0));
    const auto is_joined = [&](uint64_t member) {
      return joined_.Find(static_cast<uint32_t>(member)) == root;
    };
    if (std::ranges::all_of(members, is_joined)) return;
    near_.clear();  // side by side, for the many pairs of a large bucket
    for (const uint64_t member : members) near_.push_back(texts_.sketches_[static_cast<uint32_t>(member)]);
    for (size_t j = 1; j < members.size(); ++j) {
      for (size_t i = 0; i < j; ++i) {
        if (EqualBytes(near_[i], near_[j]) < equal_min_) continue;
        if (joined_.Find(text(i)) == joined_.Find(text(j))) continue;
        const double index = JaccardOf(texts_.ShinglesOf(text(i)), texts_.ShinglesOf(text(j)));
        if (index >= threshold_) joined_.Join(text(i), text(j));
      }
    }
  }

  static size_t EqualBytes(const Sketch& a, const Sketch& b) {
    uint8_t equal = 0;  // at most kHashes
    for (size_t i = 0; i < kHashes; ++i) equal = static_cast<uint8_t>(equal + (a[i] == b[i] ? 1 : 0));
    return equal;
  }

  const NearDuplicates& texts_;
  double threshold_;
  size_t equal_min_;
  UnionFind joined_;
  std::vector<uint64_t> order_;
  std::vector<Sketch> near_;
};

std::vector<uint32_t> NearDuplicates::Clusters(double threshold, int threads,
                                               const std::atomic<bool>* stop) const {
  const size_t count = std::clamp<size_t>(threads > 0 ? static_cast<size_t>(threads) : 1, 1, kBands);
  std::vector<Search> searches(count, Search(*this, threshold));
  std::atomic<size_t> next{0};
  const auto work = [&](Search& search) {
    for (size_t band = next++; band < kBands && (stop == nullptr || !*stop); band = next++) search.Band(band);
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < searches.size(); ++i) others.emplace_back([&, i] { work(searches[i]); });
    work(searches[0]);
  }
  UnionFind& all = searches[0].joined();
  std::vector<uint32_t> clusters(size());
  for (uint32_t text = 0; text < size(); ++text) {
    for (size_t i = 1; i < searches.size(); ++i) all.Join(text, searches[i].joined().Find(text));
  }
  for (uint32_t text = 0; text < size(); ++text) clusters[text] = all.Find(text);
  return clusters;
}

}  // namespace tessy
