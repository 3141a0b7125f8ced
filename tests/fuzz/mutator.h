#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/target.h"

namespace tessy::fuzz {

// A run of bytes of an input that may be a value: a string in quotes, a word or number, a bracket with all up
// to its partner.
struct Place {
  size_t begin = 0;
  size_t end = 0;
};

// The places of an input, in the order of their ends, at most some thousands of them. Takes any bytes; time
// grows with the length.
std::vector<Place> PlacesOf(std::string_view input);

// Changes inputs: their bits and bytes, ranges of them, and the values in them. The same seed gives the same
// changes.
class Mutator {
 public:
  Mutator(uint64_t seed, const Grammar& grammar, size_t bytes_max)
      : random_(seed), grammar_(grammar), bytes_max_(bytes_max) {}

  // `other`: an input from which pieces may be taken.
  std::string Mutate(std::string input, const std::string& other);
  // A number below `count`, which must not be 0.
  size_t Below(size_t count) { return static_cast<size_t>(random_() % count); }

 private:
  using Change = void (Mutator::*)(std::string&, const std::string&);

  // Mostly few, sometimes more than any limit of a parser.
  size_t Repeats(size_t bytes_each);
  Place AnyRange(const std::string& input);
  Place AnyPlace(const std::string& input);
  std::string_view AnyValue();
  static std::string Repeated(std::string_view text, size_t count);

  void FlipBit(std::string& input, const std::string& other);
  void SetByte(std::string& input, const std::string& other);
  void InsertBytes(std::string& input, const std::string& other);
  void EraseRange(std::string& input, const std::string& other);
  void RepeatRange(std::string& input, const std::string& other);
  void CopyRange(std::string& input, const std::string& other);
  void Splice(std::string& input, const std::string& other);
  void Truncate(std::string& input, const std::string& other);
  void InsertValue(std::string& input, const std::string& other);
  void ReplaceValue(std::string& input, const std::string& other);
  void TakeValueFromOther(std::string& input, const std::string& other);
  void SwapValues(std::string& input, const std::string& other);
  void NestValue(std::string& input, const std::string& other);
  void RepeatValue(std::string& input, const std::string& other);
  void RepeatMember(std::string& input, const std::string& other);
  void ChangeNumber(std::string& input, const std::string& other);

  std::mt19937_64 random_;
  const Grammar& grammar_;
  size_t bytes_max_;
};

}  // namespace tessy::fuzz
