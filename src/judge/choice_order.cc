#include "judge/choice_order.h"

#include <algorithm>

namespace tessy {
namespace {

// The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded as Python seeds random.Random(0): by
// the reference's init_by_array with the key {0}. The standard library's engine cannot be given that state.
class PythonRandom {
 public:
  PythonRandom() {
    state_[0] = 19650218;
    for (uint32_t i = 1; i < kWords; ++i) state_[i] = 1812433253U * Folded(i) + i;
    uint32_t at = 1;
    for (size_t round = 0; round < kWords; ++round) {
      // The key's only word is 0, and so is its index.
      state_[at] = state_[at] ^ (Folded(at) * 1664525U);
      Advance(at);
    }
    for (size_t round = 0; round + 1 < kWords; ++round) {
      state_[at] = (state_[at] ^ (Folded(at) * 1566083941U)) - at;
      Advance(at);
    }
    state_[0] = 0x80000000U;
  }

  // A whole number below `limit`, as Random._randbelow draws it: as many of the upper bits as the limit has,
  // anew until it is below.
  uint32_t Below(uint32_t limit) {
    uint32_t bits = 0;
    while (limit >> bits != 0) ++bits;
    for (;;) {
      const uint32_t drawn = Next() >> (32 - bits);
      if (drawn < limit) return drawn;
    }
  }

 private:
  static constexpr uint32_t kWords = 624;

  uint32_t Folded(uint32_t at) const { return state_[at - 1] ^ (state_[at - 1] >> 30); }

  void Advance(uint32_t& at) {
    if (++at < kWords) return;
    state_[0] = state_[kWords - 1];
    at = 1;
  }

  void Refill() {
    for (uint32_t i = 0; i < kWords; ++i) {
      const uint32_t joined = (state_[i] & 0x80000000U) | (state_[(i + 1) % kWords] & 0x7fffffffU);
      state_[i] = state_[(i + 397) % kWords] ^ (joined >> 1) ^ ((joined & 1U) != 0 ? 0x9908b0dfU : 0U);
    }
    next_ = 0;
  }

  uint32_t Next() {
    if (next_ == kWords) Refill();
    uint32_t word = state_[next_++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680U;
    word ^= (word << 15) & 0xefc60000U;
    return word ^ (word >> 18);
  }

  std::array<uint32_t, kWords> state_{};
  uint32_t next_ = kWords;
};

}  // namespace

char RightLetter(const ChoiceOrder& order) {
  const auto at = std::find(order.begin(), order.end(), 0U) - order.begin();
  return static_cast<char>('A' + at);
}

ChoiceOrder RotatedOrder(size_t row) {
  ChoiceOrder order{};
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>((row + 1 + i) % order.size());
  return order;
}

std::vector<ChoiceOrder> PythonRandomOrders(size_t count) {
  PythonRandom random;
  std::vector<ChoiceOrder> orders(count);
  for (ChoiceOrder& order : orders) {
    // random.sample of a short list: a drawn one is replaced by the last that is left.
    ChoiceOrder pool{0, 1, 2, 3};
    for (uint32_t i = 0; i < order.size(); ++i) {
      const uint32_t left = static_cast<uint32_t>(order.size()) - i;
      const uint32_t drawn = random.Below(left);
      order[i] = pool[drawn];
      pool[drawn] = pool[left - 1];
    }
  }
  return orders;
}

}  // namespace tessy
