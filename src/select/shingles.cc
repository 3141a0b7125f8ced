#include "select/shingles.h"

#include <algorithm>

#include "base/random.h"

namespace tessy {
namespace {

constexpr uint64_t kBase = 0x9E3779B97F4A7C15ULL;

}  // namespace

std::vector<uint64_t> Shingles(std::string_view normal_form, size_t words) {
  std::vector<uint64_t> hashes;
  hashes.reserve(normal_form.size() / 4 + 1);
  for (size_t at = 0; at <= normal_form.size();) {
    const size_t end = std::min(normal_form.find(' ', at), normal_form.size());
    hashes.push_back(HashBytes(normal_form.substr(at, end - at)));
    at = end + 1;
  }
  if (hashes.size() < words) return {HashBytes(normal_form, 1)};
  // The hash of a run is a polynomial of the hashes of its words, so each run is the one before it without
  // its first word and with one more.
  uint64_t leaving = 1;
  for (size_t i = 0; i < words; ++i) leaving *= kBase;
  uint64_t rolled = 0;
  std::vector<uint64_t> shingles;
  shingles.reserve(hashes.size() - words + 1);
  for (size_t i = 0; i < hashes.size(); ++i) {
    rolled = rolled * kBase + hashes[i];
    if (i >= words) rolled -= leaving * hashes[i - words];
    if (i + 1 >= words) shingles.push_back(MixBits(rolled));
  }
  std::ranges::sort(shingles);
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

size_t SharedBy(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  size_t shared = 0;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {  // without branches: which of the two is less is a coin toss
    shared += a[i] == b[j] ? 1 : 0;
    const uint64_t left = a[i];
    const uint64_t right = b[j];
    i += left <= right ? 1 : 0;
    j += right <= left ? 1 : 0;
  }
  return shared;
}

double JaccardOf(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  const size_t shared = SharedBy(a, b);
  const size_t all = a.size() + b.size() - shared;
  return all == 0 ? 1.0 : static_cast<double>(shared) / static_cast<double>(all);
}

}  // namespace tessy
