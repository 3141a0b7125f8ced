#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tessy {

// SHA-256 (FIPS 180-4, section 6.2) of bytes that come in portions; what sha256sum prints. Not thread-safe.
class Sha256 {
 public:
  void Add(std::string_view bytes);
  // 64 hexadecimal digits of all bytes so far. The object is at its end then.
  std::string Finish();

 private:
  void Block(const unsigned char* bytes);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> buffer_{};
  size_t buffered_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace tessy
