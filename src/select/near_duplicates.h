#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tessy {

// Finds texts that are nearly the same: the Jaccard index of their sets of 5-word shingles is at least some
// threshold. Candidates come from MinHash (Broder, "On the resemblance and containment of documents", 1997)
// in 32 bands of 4 of 128 hashes: two texts with the index J share a band with the probability
// 1 - (1 - J^4)^32, which is 0.9998 at 0.7. Every pair that counts has been verified with the exact index.
//
// A text takes 260 bytes and 8 bytes a shingle. The texts themselves are not kept. Not thread-safe, except
// that Clusters works on several threads itself.
class NearDuplicates {
 public:
  static constexpr size_t kHashes = 128;
  static constexpr size_t kBands = 32;

  // Adds a text in its normal form. Texts are numbered from 0 in the order in which they were added.
  void Add(std::string_view normal_form);
  size_t size() const { return ends_.size(); }

  // The shingles of a text, ascending.
  std::span<const uint64_t> ShinglesOf(size_t text) const;

  // For every text the least number of a text of its cluster; a text alone is its own cluster. Two texts are
  // in one cluster if a chain of pairs leads from one to the other, each with an index of at least
  // `threshold`. The clusters do not depend on the order of the texts or on `threads`, of which kBands have
  // work at most; each takes 4 bytes a text. Once `stop` is true it ends soon, with fewer pairs.
  std::vector<uint32_t> Clusters(double threshold, int threads,
                                 const std::atomic<bool>* stop = nullptr) const;

 private:
  using BandKeys = std::array<uint32_t, kBands>;
  using Sketch = std::array<uint8_t, kHashes>;  // the last byte of every hash
  class Search;

  std::vector<uint64_t> shingles_;  // of all texts, one after the other
  std::vector<uint64_t> ends_;      // where those of each text end
  std::vector<BandKeys> keys_;
  std::vector<Sketch> sketches_;
};

}  // namespace tessy
