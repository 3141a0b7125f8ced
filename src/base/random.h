#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tessy {

// Counter-based random numbers: a draw is a pure function of its key and counter, so results do not depend on
// the order in which draws are made. Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1,
// 2, 3" (SC 2011), section 4. Pure functions: safe from any thread.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A uniform number in [0, 1) with 53 random bits: the draw (high, low) of the stream `key`.
double UniformAt(uint64_t key, uint64_t counter_high, uint64_t counter_low);

// The mixer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every bit of the result depends on every bit of
// x. It has an inverse, so different numbers stay different.
uint64_t MixBits(uint64_t x);

// 64-bit FNV-1a of the bytes, finished with MixBits. It serves stream keys and fingerprints, not security.
uint64_t HashBytes(std::string_view bytes, uint64_t seed = 0);

// HashBytes of bytes that come in portions. Not thread-safe.
class BytesHash {
 public:
  explicit BytesHash(uint64_t seed = 0);
  void Add(std::string_view bytes);
  uint64_t value() const;  // of all bytes so far

 private:
  uint64_t hash_;
};

// Folds the parts, in order, into one key.
uint64_t HashParts(std::span<const uint64_t> parts);

}  // namespace tessy
