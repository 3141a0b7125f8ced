#include "fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tessy::fuzz {
namespace {

constexpr size_t kPlacesMax = 4000;
constexpr size_t kOpenMax = 4000;

bool IsOfWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
         c == '-' || c == '+' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The place after the string that begins at `at`; a newline or the end of the input end it, too.
size_t EndOfString(std::string_view input, size_t at) {
  const char quote = input[at++];
  for (; at < input.size() && input[at] != '\n'; ++at) {
    if (input[at] == '\\') {
      ++at;
    } else if (input[at] == quote) {
      return at + 1;
    }
  }
  return std::min(at, input.size());
}

}  // namespace

std::vector<Place> PlacesOf(std::string_view input) {
  std::vector<Place> places;
  std::vector<size_t> open;
  for (size_t at = 0; at < input.size() && places.size() < kPlacesMax;) {
    const char c = input[at];
    if (c == '"' || c == '\'') {
      const size_t end = EndOfString(input, at);
      places.push_back({at, end});
      at = end;
    } else if (IsOfWord(c) || c == '\\') {
      size_t end = at + 1;
      while (end < input.size() && IsOfWord(input[end])) ++end;
      places.push_back({at, end});
      at = end;
    } else {
      if ((c == '[' || c == '{' || c == '(') && open.size() < kOpenMax) open.push_back(at);
      if ((c == ']' || c == '}' || c == ')') && !open.empty()) {
        places.push_back({open.back(), at + 1});
        open.pop_back();
      }
      ++at;
    }
  }
  return places;
}

std::string Mutator::Mutate(std::string input, const std::string& other) {
  static constexpr std::array<Change, 16> kChanges{&Mutator::FlipBit,
                                                   &Mutator::SetByte,
                                                   &Mutator::InsertBytes,
                                                   &Mutator::EraseRange,
                                                   &Mutator::CopyRange,
                                                   &Mutator::RepeatRange,
                                                   &Mutator::Splice,
                                                   &Mutator::Truncate,
                                                   &Mutator::NestValue,
                                                   &Mutator::ReplaceValue,
                                                   &Mutator::TakeValueFromOther,
                                                   &Mutator::SwapValues,
                                                   &Mutator::RepeatValue,
                                                   &Mutator::InsertValue,
                                                   &Mutator::RepeatMember,
                                                   &Mutator::ChangeNumber};
  const size_t changes = 1 + Below(4);
  for (size_t i = 0; i < changes; ++i) {
    // Changes that know values are taken more often: the others mostly make what no parser reads on.
    const size_t which = Below(3) == 0 ? Below(8) : 8 + Below(8);
    (this->*kChanges[which])(input, other);
    if (input.size() > bytes_max_) input.resize(bytes_max_);
  }
  return input;
}

size_t Mutator::Repeats(size_t bytes_each) {
  static constexpr std::array<size_t, 8> kMany{50, 199, 200, 201, 400, 512, 1000, 2000};
  const size_t kind = Below(400);
  const size_t bytes = kind == 0 ? bytes_max_ : kind < 20 ? size_t{16'000} : size_t{2'000};
  const size_t count = kind == 0 ? bytes_max_ : kind < 100 ? kMany[Below(kMany.size())] : 1 + Below(4);
  return std::min(count, bytes / std::max<size_t>(1, bytes_each));
}

Place Mutator::AnyRange(const std::string& input) {
  const size_t begin = Below(input.size() + 1);
  const size_t most = std::min<size_t>(input.size() - begin, Below(4) == 0 ? input.size() : 16);
  return {begin, begin + Below(most + 1)};
}

Place Mutator::AnyPlace(const std::string& input) {
  const auto places = PlacesOf(input);
  return places.empty() ? AnyRange(input) : places[Below(places.size())];
}

std::string_view Mutator::AnyValue() {
  return grammar_.values.empty() ? std::string_view("\xFF") : grammar_.values[Below(grammar_.values.size())];
}

std::string Mutator::Repeated(std::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

void Mutator::FlipBit(std::string& input, const std::string& /*other*/) {
  if (input.empty()) return;
  char& c = input[Below(input.size())];
  c = static_cast<char>(c ^ (1 << Below(8)));
}

void Mutator::SetByte(std::string& input, const std::string& /*other*/) {
  static constexpr std::string_view kTelling(
      "\0\x01\x7F\x80\xC0\xE2\xED\xF4\xFF\n\r\t \"\\{}[](),:=.$#<>&'-0", 31);
  if (input.empty()) return;
  const bool any = Below(3) == 0;
  input[Below(input.size())] = any ? static_cast<char>(Below(256)) : kTelling[Below(kTelling.size())];
}

void Mutator::InsertBytes(std::string& input, const std::string& /*other*/) {
  std::string bytes(1 + Below(8), static_cast<char>(Below(256)));
  for (char& c : bytes) {
    if (Below(2) == 0) c = static_cast<char>(Below(256));
  }
  input.insert(Below(input.size() + 1), bytes);
}

void Mutator::EraseRange(std::string& input, const std::string& /*other*/) {
  const Place range = AnyRange(input);
  input.erase(range.begin, range.end - range.begin);
}

void Mutator::CopyRange(std::string& input, const std::string& other) {
  const Place range = AnyRange(other);
  input.insert(Below(input.size() + 1), other, range.begin, range.end - range.begin);
}

void Mutator::RepeatRange(std::string& input, const std::string& /*other*/) {
  const Place range = AnyRange(input);
  const std::string text = input.substr(range.begin, range.end - range.begin);
  input.insert(range.begin, Repeated(text, Repeats(text.size())));
}

void Mutator::Splice(std::string& input, const std::string& other) {
  input.resize(Below(input.size() + 1));
  input += std::string_view(other).substr(Below(other.size() + 1));
}

void Mutator::Truncate(std::string& input, const std::string& /*other*/) {
  input.resize(Below(input.size() + 1));
}

void Mutator::InsertValue(std::string& input, const std::string& /*other*/) {
  const Place place = AnyPlace(input);
  input.insert(Below(2) == 0 ? place.begin : place.end, AnyValue());
}

void Mutator::ReplaceValue(std::string& input, const std::string& /*other*/) {
  const Place place = AnyPlace(input);
  input.replace(place.begin, place.end - place.begin, AnyValue());
}

void Mutator::TakeValueFromOther(std::string& input, const std::string& other) {
  const Place to = AnyPlace(input);
  const Place from = AnyPlace(other);
  input.replace(to.begin, to.end - to.begin, other, from.begin, from.end - from.begin);
}

void Mutator::SwapValues(std::string& input, const std::string& /*other*/) {
  Place a = AnyPlace(input);
  Place b = AnyPlace(input);
  if (b.begin < a.begin) std::swap(a, b);
  if (b.begin < a.end) return;
  const std::string first = input.substr(a.begin, a.end - a.begin);
  const std::string second = input.substr(b.begin, b.end - b.begin);
  input.replace(b.begin, second.size(), first);
  input.replace(a.begin, first.size(), second);
}

void Mutator::NestValue(std::string& input, const std::string& /*other*/) {
  if (grammar_.nests.empty()) return RepeatValue(input, input);
  const Place place = AnyPlace(input);
  const Nest& nest = grammar_.nests[Below(grammar_.nests.size())];
  const size_t count = Repeats(nest.open.size() + nest.close.size());
  const size_t closed = Below(8) == 0 ? Below(count + 1) : count;
  input.insert(place.end, Repeated(nest.close, closed));
  input.insert(place.begin, Repeated(nest.open, count));
}

void Mutator::RepeatValue(std::string& input, const std::string& /*other*/) {
  static constexpr std::array<std::string_view, 6> kBetween{",", ", ", "", " ", "\n", "."};
  const Place place = AnyPlace(input);
  std::string text = input.substr(place.begin, place.end - place.begin);
  text.insert(0, kBetween[Below(kBetween.size())]);
  input.insert(place.end, Repeated(text, Repeats(text.size())));
}

// The value with what stands before it on its level: a key with its value, a line.
void Mutator::RepeatMember(std::string& input, const std::string& /*other*/) {
  const Place place = AnyPlace(input);
  const size_t before = place.begin == 0 ? std::string::npos : input.find_last_of(",{\n", place.begin - 1);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  std::string member = input.substr(begin, place.end - begin);
  member.insert(0, 1, before == std::string::npos || input[before] == '{' ? ',' : input[before]);
  input.insert(place.end, Repeated(member, Repeats(member.size())));
}

void Mutator::ChangeNumber(std::string& input, const std::string& /*other*/) {
  static constexpr std::array<std::string_view, 12> kNumbers{"0",
                                                             "1",
                                                             "-1",
                                                             "255",
                                                             "65536",
                                                             "2147483647",
                                                             "2147483648",
                                                             "4294967295",
                                                             "9223372036854775807",
                                                             "18446744073709551615",
                                                             "1e308",
                                                             "0.1"};
  std::vector<Place> numbers;
  for (const Place place : PlacesOf(input)) {
    if (IsDigit(input[place.begin])) numbers.push_back(place);
  }
  if (numbers.empty()) return SetByte(input, input);
  const Place place = numbers[Below(numbers.size())];
  if (Below(4) == 0) {
    input.insert(place.begin, Repeated("9", Repeats(1)));
  } else {
    input.replace(place.begin, place.end - place.begin, kNumbers[Below(kNumbers.size())]);
  }
}

}  // namespace tessy::fuzz
