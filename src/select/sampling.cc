#include "select/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <queue>
#include <tuple>
#include <utility>

#include "base/random.h"

namespace tessy {
namespace {

struct Place {
  size_t candidate = 0;
  uint64_t rows = 1;
};

// Adds rows one by one, each to the question that is farthest behind its share.
void Divide(std::vector<Place>& places, std::span<const SampleCandidate> candidates, uint64_t more) {
  const auto behind = [&](size_t a, size_t b) {
    // a's average is count / (2 rows + 1); compared without division.
    const auto average = [&](size_t i, size_t j) {
      return static_cast<long double>(candidates[places[i].candidate].count) *
             static_cast<long double>(2 * places[j].rows + 1);
    };
    const long double left = average(a, b);
    const long double right = average(b, a);
    return left != right ? left < right : a > b;
  };
  std::vector<size_t> all(places.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::priority_queue queue(behind, std::move(all));
  for (; more > 0; --more) {
    const size_t next = queue.top();
    queue.pop();
    ++places[next].rows;
    queue.push(next);
  }
}

}  // namespace

std::vector<size_t> OrderOfSample(std::span<const SampleCandidate> candidates, uint64_t seed) {
  std::vector<std::tuple<uint64_t, TextHash, size_t>> hashed;
  hashed.reserve(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const std::array<uint64_t, 3> parts{seed, candidates[i].key.high, candidates[i].key.low};
    hashed.emplace_back(HashParts(parts), candidates[i].key, i);
  }
  std::ranges::sort(hashed);
  std::vector<size_t> order;
  order.reserve(hashed.size());
  for (const auto& [hash, key, candidate] : hashed) order.push_back(candidate);
  return order;
}

Result<std::vector<SampledQuestion>> SampleQuestions(std::span<const SampleCandidate> candidates,
                                                     const SampleSize& size) {
  std::vector<Place> places;
  places.reserve(candidates.size());
  for (const size_t candidate : OrderOfSample(candidates, size.seed)) {
    places.push_back({.candidate = candidate});
  }
  if (size.distinct > 0 && size.distinct < places.size()) places.resize(size.distinct);
  if (size.rows > 0) {
    if (size.rows < places.size()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--rows {}: there are {} distinct questions, and each gets a row at least; give "
                      "more rows, or a --distinct of at most {}",
                      size.rows, places.size(), size.rows));
    }
    if (!places.empty()) Divide(places, candidates, size.rows - places.size());
  }
  std::ranges::sort(places, {}, &Place::candidate);
  std::vector<SampledQuestion> sampled;
  sampled.reserve(places.size());
  for (const Place& place : places) sampled.push_back({.candidate = place.candidate, .rows = place.rows});
  return sampled;
}

}  // namespace tessy
