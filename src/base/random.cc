#include "base/random.h"

namespace tessy {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

}  // namespace

uint64_t MixBits(uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

double UniformAt(uint64_t key, uint64_t counter_high, uint64_t counter_low) {
  const auto words =
      Philox4x32({static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
                  static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)},
                 {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

BytesHash::BytesHash(uint64_t seed) : hash_(0xCBF29CE484222325ULL ^ MixBits(seed)) {}

void BytesHash::Add(std::string_view bytes) {
  uint64_t hash = hash_;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  hash_ = hash;
}

uint64_t BytesHash::value() const { return MixBits(hash_); }

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  BytesHash hash(seed);
  hash.Add(bytes);
  return hash.value();
}

uint64_t HashParts(std::span<const uint64_t> parts) {
  uint64_t hash = 0;
  for (const uint64_t part : parts) hash = MixBits(hash + 0x9E3779B97F4A7C15ULL + MixBits(part));
  return hash;
}

}  // namespace tessy
