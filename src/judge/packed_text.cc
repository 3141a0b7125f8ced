#include "judge/packed_text.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "base/numbers.h"
#include "judge/ascii.h"

namespace tessy {
namespace {

tl::unexpected<Error> Bad(std::string message) { return Fail(ErrorCode::kInvalidData, std::move(message)); }

// Walks through a pickle.
class PickleReader {
 public:
  explicit PickleReader(std::string_view pickle) : rest_(pickle) {}

  Result<std::string_view> Read() {
    while (!rest_.empty()) {
      const auto opcode = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      if (opcode == '.') return Finished();
      if (auto done = Step(opcode); !done) return tl::unexpected(done.error());
    }
    return Bad("the pickle has no end");
  }

 private:
  Result<std::string_view> Finished() const {
    if (!string_) return Bad("the pickle holds no string");
    return *string_;
  }

  Status Step(unsigned char opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
      case 'q':   // BINPUT
        return Skip(1);
      case 'r':  // LONG_BINPUT
        return Skip(4);
      case 0x95:  // FRAME
        return Skip(8);
      case 0x94:  // MEMOIZE
        return {};
      case 0x8c:  // SHORT_BINUNICODE
        return TakeString(1);
      case 'X':  // BINUNICODE
        return TakeString(4);
      case 0x8d:  // BINUNICODE8
        return TakeString(8);
      default:
        return Bad(fmt::format(
            "the pickle does more than hold one string (opcode 0x{:02x}); it is not executed", opcode));
    }
  }

  Status Skip(size_t bytes) {
    if (rest_.size() < bytes) return Bad("the pickle is cut short");
    rest_.remove_prefix(bytes);
    return {};
  }

  Status TakeString(size_t length_bytes) {
    if (rest_.size() < length_bytes) return Bad("the pickle is cut short");
    uint64_t length = 0;
    for (size_t i = length_bytes; i-- > 0;) length = (length << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(length_bytes);
    if (rest_.size() < length) return Bad("the pickle is cut short");
    if (string_) return Bad("the pickle holds more than one string");
    string_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return {};
  }

  std::string_view rest_;
  std::optional<std::string_view> string_;
};

// The six bits of a digit of base64; 64 where it is none.
constexpr std::array<unsigned char, 256> SixBits() {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<unsigned char, 256> bits{};
  bits.fill(64);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    bits[static_cast<unsigned char>(kDigits[i])] = static_cast<unsigned char>(i);
  }
  return bits;
}

Result<std::string> FromBase64(std::string_view text) {
  constexpr auto kBits = SixBits();
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (IsSpace(c)) continue;
    const unsigned char six = kBits[static_cast<unsigned char>(c)];
    if (c == '=' && digits % 4 >= 2) {
      ++padding;
      continue;
    }
    if (six == 64 || padding > 0) return Bad("it is no base64");
    group = ((group << 6) | six) & 0xFFFFFF;
    if (++digits % 4 == 0) {
      for (const int shift : {16, 8, 0}) bytes += static_cast<char>((group >> shift) & 0xFF);
    }
  }
  const size_t left = digits % 4;
  if (left == 1 || (left != 0 && left + padding != 4)) return Bad("its base64 is cut short");
  if (left >= 2) bytes += static_cast<char>((group >> (left == 2 ? 4 : 10)) & 0xFF);
  if (left == 3) bytes += static_cast<char>((group >> 2) & 0xFF);
  return bytes;
}

Result<std::string> Inflated(std::string_view packed, size_t bytes_max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return Fail(ErrorCode::kResourceLimit, "zlib cannot start");
  const std::unique_ptr<z_stream, void (*)(z_stream*)> end(&stream, [](z_stream* s) { inflateEnd(s); });
  if (packed.size() > std::numeric_limits<uInt>::max()) return Bad("it is longer than 4 GiB");
  // zlib's interface takes the input without const; it does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  std::array<char, 1 << 16> portion{};
  for (int state = Z_OK; state != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(portion.data());
    stream.avail_out = portion.size();
    state = inflate(&stream, Z_NO_FLUSH);
    const size_t got = portion.size() - stream.avail_out;
    if (state == Z_BUF_ERROR || (state == Z_OK && got == 0)) return Bad("its zlib data is cut short");
    if (state != Z_OK && state != Z_STREAM_END) return Bad("it is no zlib data");
    if (bytes.size() + got > bytes_max)
      return Bad(fmt::format("it unpacks to more than {}", FormatBytes(bytes_max)));
    bytes.append(portion.data(), got);
  }
  return bytes;
}

}  // namespace

Result<std::string_view> StringOfPickle(std::string_view pickle) { return PickleReader(pickle).Read(); }

Result<std::string> UnpackedText(std::string_view base64, size_t bytes_max) {
  auto packed = FromBase64(base64);
  if (!packed) return packed;
  auto pickle = Inflated(*packed, bytes_max);
  if (!pickle) return pickle;
  packed->clear();
  packed->shrink_to_fit();
  const auto text = StringOfPickle(*pickle);
  if (!text) return tl::unexpected(text.error());
  // In place: the text is nearly all of the pickle, and may be long.
  pickle->erase(0, static_cast<size_t>(text->data() - pickle->data()));
  pickle->resize(text->size());
  return pickle;
}

}  // namespace tessy
