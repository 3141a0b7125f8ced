#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tessy {

// The words of a shingle for near-duplicates, and of one for contamination.
inline constexpr size_t kShingleWords = 5;
inline constexpr size_t kLongShingleWords = 13;

// The set of runs of `words` consecutive words of a normal form (words are divided by spaces), as ascending
// 64-bit hashes without repetition. A text of fewer words is one shingle, itself. Pure.
std::vector<uint64_t> Shingles(std::string_view normal_form, size_t words = kShingleWords);

// How many hashes two such sets share. Pure.
size_t SharedBy(std::span<const uint64_t> a, std::span<const uint64_t> b);

// The Jaccard index of two sets: the share of their union that both have; 1 for two empty sets. Pure.
double JaccardOf(std::span<const uint64_t> a, std::span<const uint64_t> b);

}  // namespace tessy
